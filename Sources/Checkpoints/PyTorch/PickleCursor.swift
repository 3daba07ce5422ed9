import Files

/// Reads a pickle's bytes from one place on.
struct PickleCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position: Int

  /// - Precondition: the position lies in the bytes, or at their end.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int) {
    precondition(position >= 0 && position <= bytes.count, "a place outside the pickle")
    self.bytes = bytes
    self.position = position
  }

  var remaining: Int { bytes.count - position }

  private var atEnd: PyTorchFailure { .damaged("its pickle ends at byte \(bytes.count), in the middle") }

  mutating func take(_ count: Int) throws(PyTorchFailure) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else { throw atEnd }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  mutating func byte() throws(PyTorchFailure) -> UInt8 {
    guard remaining > 0 else { throw atEnd }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(PyTorchFailure) -> T {
    T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
  }

  /// A length of 8 bytes.
  mutating func length() throws(PyTorchFailure) -> Int {
    guard let length = Int(exactly: try integer(UInt64.self)) else { throw atEnd }
    return length
  }

  /// Up to the line's end, which is taken too.
  mutating func line() throws(PyTorchFailure) -> String {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw atEnd }
    let text = try text(end - position)
    position += 1
    return text
  }

  mutating func text(_ count: Int) throws(PyTorchFailure) -> String {
    let start = position
    guard let text = PickleCursor.text(try take(count)) else {
      throw .damaged("the text at byte \(start) of its pickle is not UTF-8")
    }
    return text
  }

  /// A string of Python 2, which may be text or not.
  mutating func string(_ count: Int) throws(PyTorchFailure) -> PickleValue {
    let bytes = try take(count)
    return PickleCursor.text(bytes).map { .string($0) } ?? .bytes(Array(bytes))
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard firstInvalidUTF8(bytes.bindMemory(to: UInt8.self)) == nil else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
