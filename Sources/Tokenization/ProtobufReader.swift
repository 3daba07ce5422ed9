/// Reads the fields of one Protocol Buffers message (protobuf.dev, "Encoding"), checking every length against the bytes
/// that are there.
struct ProtobufReader {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// A string, or a message of its own.
    case bytes(ProtobufReader)
  }

  let path: String
  private let file: UnsafeRawBufferPointer
  private let range: Range<Int>
  private(set) var at: Int

  /// - Parameters:
  ///   - file: all bytes of the file, for offsets in messages.
  ///   - path: for messages.
  init(_ file: UnsafeRawBufferPointer, path: String) {
    self.init(file, path: path, range: 0..<file.count)
  }

  private init(_ file: UnsafeRawBufferPointer, path: String, range: Range<Int>) {
    self.file = file
    self.path = path
    self.range = range
    at = range.lowerBound
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file[range]) }

  /// The next field, or nil at the end of the message.
  mutating func next() throws(TokenizationError) -> (field: UInt64, value: Value)? {
    guard at < range.upperBound else { return nil }
    let start = at
    let key = try varint()
    guard key >> 3 > 0, key >> 3 < 1 << 29 else { throw error("a field with number \(key >> 3)", at: start) }
    switch key & 7 {
    case 0: return (key >> 3, .varint(try varint()))
    case 1: return (key >> 3, .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      guard length <= UInt64(range.upperBound - at) else {
        throw error("a field of \(length) bytes where \(range.upperBound - at) are left", at: start)
      }
      let end = at + Int(length)
      defer { at = end }
      return (key >> 3, .bytes(ProtobufReader(file, path: path, range: at..<end)))
    case 5: return (key >> 3, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    default: throw error("a field of wire type \(key & 7)", at: start)
    }
  }

  private mutating func varint() throws(TokenizationError) -> UInt64 {
    let start = at
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard at < range.upperBound else { throw error("a number that does not end", at: start) }
      let byte = file[at]
      at += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw error("a number longer than 10 bytes", at: start)
  }

  private mutating func fixed(_ count: Int) throws(TokenizationError) -> UInt64 {
    guard count <= range.upperBound - at else { throw error("a number that does not end", at: at) }
    defer { at += count }
    return (0..<count).reduce(0) { $0 | UInt64(file[at + $1]) << (8 * UInt64($1)) }
  }

  private func error(_ reason: String, at offset: Int) -> TokenizationError {
    .malformedModel(path: path, offset: offset, reason: reason)
  }
}
