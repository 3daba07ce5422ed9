import Files

/// A file of tokens in one of several formats, found from its contents; see `TokenFormat`. It is never held in memory whole.
/// Copies of the value share the open file.
public struct TokenFile: Sendable {
  /// As given; for HDF5 `FILE` or `FILE:/GROUP`.
  public let path: String
  public let format: TokenFormat
  /// Tokens. The padding at the end of lit-gpt's last chunk does not count.
  public let count: Int
  /// What separates documents; nil where neither the file nor a `dataset.json` beside it says.
  public private(set) var boundary: DocumentBoundary?
  /// `DatasetDescription.tokenizerHash` of the tokenizer that made the ids; nil where nothing says so.
  public let tokenizerHash: String?
  private let contents: Contents

  private enum Contents: Sendable {
    case mapped(MappedTokens)
    case hdf5(HDF5Tokens)
  }

  /// Opens a file as a `dataset.json` beside it says or, if none lists it, as its contents say; what begins with no known
  /// header is raw.
  /// - Parameters:
  ///   - path: a file, or `FILE:/GROUP` for a group of an HDF5 file.
  ///   - storage: of raw ids that nothing describes; nanoGPT's are uint16.
  /// - Throws: `DatasetError` if the file is empty, cut inside a token, not as long as its header or `dataset.json` says, or
  ///   of a kind that holds no tokens; `FileError`.
  public init(_ path: String, storage: TokenStorage = .uint16) throws {
    let (file, group) = TokenFile.split(path)
    if InputFile.kind(of: file) != nil { throw DatasetError.textInsteadOfTokens(path: path) }
    let described = group == nil ? try TokenFile.described(file) : nil
    if let tokens = try TokenFile.hdf5(file, group: group) {
      contents = .hdf5(tokens)
      format = .hdf5
      count = tokens.count
      boundary = tokens.boundary ?? described?.boundary
      tokenizerHash = tokens.attributes["tokenizer_sha256"]?.string ?? described?.tokenizerHash
      guard count > 0 else { throw DatasetError.emptyTokenFile(path: path) }
    } else {
      let mapped = try MappedFile(file)
      let layout = try mapped.withBytes { bytes in
        if let described { return try TokenLayout(raw: described.storage, bytes: bytes.count, path: path) }
        return try TokenLayout(bytes, storage: storage, path: path)
      }
      contents = .mapped(MappedTokens(mapped, layout))
      format = layout.format
      count = layout.count
      boundary = described?.boundary
      tokenizerHash = described?.tokenizerHash
    }
    self.path = path
    if let expected = described?.tokens, expected != count {
      throw DatasetError.countMismatch(path: path, expected: expected, found: count)
    }
  }

  /// The same file, with `boundary` where it has none of its own.
  func assuming(_ boundary: DocumentBoundary?) -> TokenFile {
    var file = self
    file.boundary = self.boundary ?? boundary
    return file
  }

  /// The ids at `range`.
  public subscript(range: Range<Int>) -> [Int32] {
    get throws {
      try [Int32](unsafeUninitializedCapacity: range.count) { buffer, used in
        if let base = buffer.baseAddress { try copy(range, to: base) }
        used = range.count
      }
    }
  }

  /// Writes the ids of `range` to `destination`, which has room for them. An id above Int32.max, which no vocabulary has,
  /// comes out as another one; see `validate`. Allocates nothing, HDF5 apart.
  /// - Throws: `DatasetError` for an HDF5 chunk that cannot be read; `FileError.changed` if a mapped file has become shorter.
  public func copy(_ range: Range<Int>, to destination: UnsafeMutablePointer<Int32>) throws {
    switch contents {
    case .mapped(let tokens): try tokens.copy(range, to: destination)
    case .hdf5(let tokens): try tokens.copy(range, to: destination)
    }
  }

  /// Reads the whole file and checks that every id is below `vocabularySize`.
  /// - Throws: `DatasetError.tokenOutsideVocabulary` with the first position that is not; as `copy`.
  public func validate(vocabularySize: Int) throws {
    let bad =
      switch contents {
      case .mapped(let tokens): try tokens.firstOutside(vocabularySize: vocabularySize)
      case .hdf5(let tokens): try TokenFile.firstOutside(tokens, vocabularySize: vocabularySize)
      }
    guard let bad else { return }
    throw DatasetError.tokenOutsideVocabulary(
      path: path, position: bad.position, token: bad.token, vocabularySize: vocabularySize)
  }

  private static func firstOutside(
    _ tokens: HDF5Tokens, vocabularySize: Int
  ) throws(DatasetError) -> (position: Int, token: Int)? {
    let limit = UInt32(clamping: min(vocabularySize, Int(Int32.max)))
    let step = 1 << 16
    let ids = UnsafeMutableBufferPointer<Int32>.allocate(capacity: step)
    defer { ids.deallocate() }
    guard let base = ids.baseAddress else { return nil }
    for start in stride(from: 0, to: tokens.count, by: step) {
      let end = min(start + step, tokens.count)
      try tokens.copy(start..<end, to: base)
      var largest: UInt32 = 0
      for k in 0..<end &- start { largest = max(largest, UInt32(bitPattern: ids[k])) }
      guard largest >= limit, let bad = (0..<end - start).first(where: { UInt32(bitPattern: ids[$0]) >= limit }) else {
        continue
      }
      return (start + bad, Int(ids[bad]))
    }
    return nil
  }
}

extension TokenFile {
  /// `FILE:/GROUP` → file and group; nil for a path without a group.
  static func split(_ path: String) -> (file: String, group: String?) {
    guard !fileExists(path), let colon = path.lastIndex(of: ":") else { return (path, nil) }
    let file = String(path[..<colon])
    guard FileTree.isFile(file) else { return (path, nil) }
    let group = path[path.index(after: colon)...]
    return (file, String(group.drop { $0 == "/" }))
  }

  /// The tokens of an HDF5 file, known by its name or its first bytes; nil for another file.
  private static func hdf5(_ file: String, group: String?) throws -> HDF5Tokens? {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    guard try group != nil || isNamedHDF5(file) || MappedFile(file).withBytes({ $0.starts(with: signature) }) else {
      return nil
    }
    let groups = try HDF5Tokens.groups(path: file)
    if let first = groups.first, !groups.contains(group ?? "") {
      let all = groups.map { "/\($0)" }.joined(separator: ", ")
      let what = group.map { "no tokens in /\($0)" } ?? "no tokens outside of groups"
      throw DatasetError.malformedTokenFile(
        path: file, format: .hdf5, reason: "\(what); there are some in \(all): name one, \(file):/\(first)")
    }
    return try HDF5Tokens(path: file, group: group ?? "")
  }

  static func isNamedHDF5(_ name: String) -> Bool { name.hasSuffix(".h5") || name.hasSuffix(".hdf5") }

  /// What a `dataset.json` says about a file beside it.
  private struct Described {
    var storage: TokenStorage
    var tokens: Int
    var boundary: DocumentBoundary?
    var tokenizerHash: String
  }

  /// nil for a file that none lists.
  private static func described(_ path: String) throws -> Described? {
    let descriptionPath = FileTree.parent(of: path) + "/" + DatasetDescription.fileName
    guard fileExists(descriptionPath), try !MixtureDescription.isMixture(descriptionPath) else { return nil }
    let description = try DatasetDescription(path: descriptionPath)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let splits = [description.train, description.validation].compactMap { $0 }
    return splits.first { $0.file == name }.map {
      Described(
        storage: description.storage, tokens: $0.tokens, boundary: description.boundary,
        tokenizerHash: description.tokenizerHash)
    }
  }
}

extension HDF5Tokens {
  /// What its attributes say; nil where they say nothing.
  fileprivate var boundary: DocumentBoundary? {
    guard let separator = attributes["separator"]?.string.flatMap(DocumentSeparator.init(rawValue:)) else { return nil }
    return DocumentBoundary(separator, token: attributes["separator_token"]?.integer.flatMap { Int32(exactly: $0) })
  }
}
