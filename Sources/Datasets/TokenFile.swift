import Files

/// A mapped file of tokens: nanoGPT's .bin, raw little-endian uint16 or uint32. Copies of the value share the mapping.
public struct TokenFile: Sendable {
  public let path: String
  public let storage: TokenStorage
  /// Tokens.
  public let count: Int
  private let file: MappedFile

  /// Maps a file whose ids are stored as `storage`.
  /// - Throws: `DatasetError` if the file is empty or cut inside a token; `FileError`.
  public init(_ path: String, storage: TokenStorage) throws {
    file = try MappedFile(path)
    let size = file.bytes.count
    guard size > 0 else { throw DatasetError.emptyTokenFile(path: path) }
    guard size % storage.bytes == 0 else {
      throw DatasetError.partialToken(path: path, bytes: size, bytesPerToken: storage.bytes)
    }
    self.path = path
    self.storage = storage
    count = size / storage.bytes
  }

  /// Maps a file as a `dataset.json` beside it says, or as nanoGPT's (uint16) if none lists it.
  /// - Throws: `DatasetError` if the file is empty, cut inside a token, or not as long as `dataset.json` says; `FileError`.
  public init(_ path: String) throws {
    let described = try TokenFile.described(path)
    try self.init(path, storage: described?.storage ?? .uint16)
    if let expected = described?.tokens, expected != count {
      throw DatasetError.countMismatch(path: path, expected: expected, found: count)
    }
  }

  private static func described(_ path: String) throws -> (storage: TokenStorage, tokens: Int)? {
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { String(path[...$0]) } ?? ""
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let descriptionPath = directory + DatasetDescription.fileName
    guard fileExists(descriptionPath) else { return nil }
    let description = try DatasetDescription(path: descriptionPath)
    for split in [description.train, description.validation].compactMap({ $0 }) where split.file == name {
      return (description.storage, split.tokens)
    }
    return nil
  }

  /// The id at `position`. An id above Int32.max, which no vocabulary has, comes out negative.
  public subscript(position: Int) -> Int32 {
    precondition(position >= 0 && position < count)
    switch storage {
    case .uint16: return Int32(UInt16(littleEndian: file.bytes.load(fromByteOffset: 2 * position, as: UInt16.self)))
    case .uint32:
      return Int32(bitPattern: UInt32(littleEndian: file.bytes.load(fromByteOffset: 4 * position, as: UInt32.self)))
    }
  }

  public subscript(range: Range<Int>) -> [Int32] {
    [Int32](unsafeUninitializedCapacity: range.count) { buffer, used in
      if let base = buffer.baseAddress { copy(range, to: base) }
      used = range.count
    }
  }

  /// Widens the ids of `range` into `destination`, which has room for them. Allocates nothing.
  public func copy(_ range: Range<Int>, to destination: UnsafeMutablePointer<Int32>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    guard let base = file.bytes.baseAddress else { return }
    let length = range.count
    switch storage {
    case .uint16:
      let source = base.advanced(by: 2 * range.lowerBound).assumingMemoryBound(to: UInt16.self)
      for k in 0..<length { destination[k] = Int32(UInt16(littleEndian: source[k])) }
    case .uint32:
      let source = base.advanced(by: 4 * range.lowerBound).assumingMemoryBound(to: UInt32.self)
      for k in 0..<length { destination[k] = Int32(bitPattern: UInt32(littleEndian: source[k])) }
    }
  }

  /// Reads the whole file and checks that every id is below `vocabularySize`.
  /// - Throws: `DatasetError.tokenOutsideVocabulary` with the first position that is not.
  public func validate(vocabularySize: Int) throws(DatasetError) {
    if storage == .uint16 && vocabularySize > Int(UInt16.max) { return }
    guard let base = file.bytes.baseAddress else { return }
    let limit = UInt32(clamping: min(vocabularySize, Int(Int32.max)))
    let bad =
      switch storage {
      case .uint16:
        firstPosition(base.assumingMemoryBound(to: UInt16.self), notBelow: UInt16(truncatingIfNeeded: limit))
      case .uint32: firstPosition(base.assumingMemoryBound(to: UInt32.self), notBelow: limit)
      }
    guard let bad else { return }
    let token = Int(UInt32(bitPattern: self[bad]))
    throw .tokenOutsideVocabulary(path: path, position: bad, token: token, vocabularySize: vocabularySize)
  }

  private func firstPosition<Id: FixedWidthInteger & UnsignedInteger>(
    _ ids: UnsafePointer<Id>, notBelow limit: Id
  ) -> Int? {
    // The largest id of a block is a loop without branches; only a block that has a bad one is looked at again.
    var start = 0
    while start < count {
      let end = min(count, start &+ 8192)
      var largest: Id = 0
      for k in start..<end { largest = max(largest, Id(littleEndian: ids[k])) }
      if largest >= limit {
        return (start..<end).first { Id(littleEndian: ids[$0]) >= limit }
      }
      start = end
    }
    return nil
  }
}
