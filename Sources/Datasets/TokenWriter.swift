/// Appends tokens to a file under a temporary name.
final class TokenWriter {
  let file: PartialFile
  private let storage: TokenStorage

  /// Opens or creates `path` and cuts it after `tokens` tokens; writing goes on there.
  /// - Throws: `DatasetError.damagedState` if the file is shorter.
  init(_ path: String, storage: TokenStorage, keeping tokens: Int) throws(DatasetError) {
    self.storage = storage
    let (bytes, overflow) = tokens.multipliedReportingOverflow(by: storage.bytes)
    guard !overflow else { throw .damagedState(path: path, reason: "expected at least \(tokens) tokens") }
    file = try PartialFile(path, keeping: bytes, bufferSize: 1 << 20)
  }

  func append(_ tokens: ArraySlice<Int32>) throws(DatasetError) {
    var rest = tokens
    while !rest.isEmpty {
      let room = try file.room(storage.bytes)
      let count = min(rest.count, room.count / storage.bytes)
      rest.withUnsafeBufferPointer { source in
        switch storage {
        case .uint16:
          for k in 0..<count {
            let id = UInt16(truncatingIfNeeded: source[k]).littleEndian
            room.storeBytes(of: id, toByteOffset: 2 &* k, as: UInt16.self)
          }
        case .uint32:
          for k in 0..<count {
            let id = UInt32(truncatingIfNeeded: source[k]).littleEndian
            room.storeBytes(of: id, toByteOffset: 4 &* k, as: UInt32.self)
          }
        }
      }
      file.filled(count * storage.bytes)
      rest = rest.dropFirst(count)
    }
  }

  /// Takes everything back that was appended after the first `tokens` tokens.
  func rewind(to tokens: Int) { file.rewind(to: tokens * storage.bytes) }

  /// Copies the tokens `range` to the end of `other`, which stores them in the same way.
  func copy(_ range: Range<Int>, to other: TokenWriter) throws {
    try file.forEach(range.lowerBound * storage.bytes..<range.upperBound * storage.bytes) {
      try other.file.append($0)
    }
  }
}
