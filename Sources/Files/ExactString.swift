import Glibc

/// A string whose identity is its bytes. Swift's own equality holds "é" and "é" (one scalar, or a letter and an accent)
/// for the same key; in a vocabulary they are two.
public struct ExactString: Hashable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }

  public static func == (a: ExactString, b: ExactString) -> Bool {
    let fast = a.text.utf8.withContiguousStorageIfAvailable { left in
      b.text.utf8.withContiguousStorageIfAvailable { right in
        guard left.count == right.count else { return false }
        guard let x = left.baseAddress, let y = right.baseAddress else { return left.isEmpty }
        return memcmp(x, y, left.count) == 0
      }
    }
    return (fast ?? nil) ?? a.text.utf8.elementsEqual(b.text.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    let done: Void? = text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    if done == nil { Array(text.utf8).withUnsafeBytes { hasher.combine(bytes: $0) } }
  }
}
