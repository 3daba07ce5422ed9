import Files

/// How many tokens each document of a token file has: raw little-endian uint32, in the order of the file; their sum is the
/// file's length. A document of 2³² tokens or more is written as several.
final class DocumentLengths {
  static let width = 4

  let file: PartialFile

  /// - Parameter entries: how many of an earlier file to keep.
  init(_ path: String, keeping entries: Int) throws(DatasetError) {
    file = try PartialFile(path, keeping: entries * DocumentLengths.width)
  }

  var entries: Int { file.count / DocumentLengths.width }

  func append(_ tokens: Int) throws(DatasetError) {
    var rest = tokens
    repeat {
      let length = UInt32(clamping: rest)
      try file.room(DocumentLengths.width).storeBytes(of: length.littleEndian, as: UInt32.self)
      file.filled(DocumentLengths.width)
      rest -= Int(length)
    } while rest > 0
  }

  /// Copies the lengths of what lies in the last `tokens` tokens to the end of `other`.
  /// - Returns: how many entries lie before, and what the last of these must become if it is cut.
  func copyTail(_ tokens: Int, to other: DocumentLengths) throws(DatasetError) -> (entries: Int, last: Int?) {
    try file.flush()
    var (first, left) = (entries, tokens)
    var last: Int?
    while first > 0, left > 0 {
      let length = try self[first - 1]
      last = length > left ? length - left : nil
      if last == nil { first -= 1 }
      left -= min(left, length)
    }
    if let last { try other.append(try self[first - 1] - last) }
    for index in first..<entries { try other.append(try self[index]) }
    return (first, last)
  }

  private subscript(index: Int) -> Int {
    get throws(DatasetError) {
      var length: UInt32 = 0
      let result = withUnsafeMutableBytes(of: &length) { bytes -> Result<Void, DatasetError> in
        do throws(DatasetError) {
          return .success(try file.read(at: index * DocumentLengths.width, into: bytes))
        } catch {
          return .failure(error)
        }
      }
      try result.get()
      return Int(UInt32(littleEndian: length))
    }
  }
}

extension DocumentLengths {
  /// The lengths in a finished file, one after the other; nil after the last.
  static func reader(_ path: String) throws -> () throws -> Int? {
    let file = try MappedFile(path)
    var offset = 0
    return {
      file.withBytes { bytes in
        guard offset + width <= bytes.count else { return nil }
        defer { offset += width }
        return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
    }
  }
}
