/// Where a text stops being JSON, and why.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  public let reason: String
  /// Bytes before the place.
  public let offset: Int
  /// Lines count from 1.
  public let line: Int
  /// Columns count from 1, in bytes.
  public let column: Int

  init(_ reason: String, at offset: Int, of text: UnsafeBufferPointer<UInt8>) {
    self.reason = reason
    self.offset = offset
    let before = text[..<offset]
    line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
    column = offset - (before.lastIndex(of: 0x0A) ?? -1)
  }

  public var description: String { "\(reason) at \(line > 1 ? "line \(line), " : "")column \(column)" }
}
