import Files
import HDF5

/// Writes token files as one HDF5 file: for each part a dataset `tokens` and, beside it, `documents`, in deflated
/// chunks, so that h5py and any other reader of HDF5 can use them.
public enum HDF5TokenWriter {
  /// The tokens of one domain, or all there are.
  public struct Part {
    /// The group that they get; "" for the root.
    public var group: String
    /// A raw file, as `Preparation` and nanoGPT's scripts write them.
    public var path: String
    public var storage: TokenStorage
    /// The domain's weight in a mixture.
    public var weight: Double?
    public var documents: Documents?

    public init(
      group: String = "", path: String, storage: TokenStorage, weight: Double? = nil, documents: Documents? = nil
    ) {
      self.group = group
      self.path = path
      self.storage = storage
      self.weight = weight
      self.documents = documents
    }
  }

  /// How it is known where documents begin.
  public enum Documents {
    /// The tokens of each document, one after the other; nil after the last.
    case lengths(() throws -> Int?)
    case boundary(DocumentBoundary)
  }

  /// What is said of all tokens, as attributes of the root.
  public struct Attributes: Sendable {
    public var vocabularySize: Int?
    /// See `DatasetDescription.tokenizerHash(of:)`.
    public var tokenizerHash: String?
    public var separator: DocumentBoundary?

    public init(vocabularySize: Int? = nil, tokenizerHash: String? = nil, separator: DocumentBoundary? = nil) {
      self.vocabularySize = vocabularySize
      self.tokenizerHash = tokenizerHash
      self.separator = separator
    }
  }

  /// Tokens of a chunk: what a random window has to unpack, which takes 0.15 ms. Chunks of four times as many are 2 %
  /// smaller.
  static let tokensPerChunk = 1 << 14
  static let documentsPerChunk = 1 << 13
  /// Bytes that were read and not yet written.
  private static let budget = 1 << 24

  /// Writes one file, whole or not at all, with bounded memory. The same parts make the same bytes, whatever the number
  /// of workers.
  /// - Parameters:
  ///   - workers: threads that compress.
  ///   - progress: told (tokens written, all tokens) now and then; what it throws ends the writing.
  /// - Throws: `DatasetError` for parts that do not fit together and files that are cut; `FileError`, also where libhdf5
  ///   is missing; and what the closures throw.
  public static func write(
    _ parts: [Part], toFile path: String, attributes: Attributes, workers: Int,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    try check(parts)
    let files = try parts.map { part in
      let file = try MappedFile(part.path)
      let layout = try TokenLayout(raw: part.storage, bytes: file.count, path: part.path)
      return HDF5TokenReader(file, storage: part.storage, count: layout.count)
    }
    let total = files.reduce(0) { $0 + $1.count }
    var done = 0
    try AtomicFile.writeByName(path) { partial in
      let output = try HDF5ChunkedFile(partial, path: path)
      try add(attributes, storage: parts.first?.storage, to: output)
      for (part, file) in zip(parts, files) {
        try output.beginGroup(part.group)
        if let weight = part.weight { try output.add("weight", weight) }
        try write(
          HDF5Tokens.tokensName, part.storage == .uint16 ? .uint16 : .uint32, file.chunks(of: tokensPerChunk),
          to: output, chunk: tokensPerChunk, workers: workers
        ) { count in
          done += count
          try progress(done, total)
        }
        guard let documents = part.documents else { continue }
        try write(
          HDF5Tokens.documentsName, .uint64, file.offsets(documents, path: part.path, chunk: documentsPerChunk),
          to: output, chunk: documentsPerChunk, workers: workers
        ) { _ in try progress(done, total) }
      }
      try output.finish()
    }
  }

  private static func check(_ parts: [Part]) throws(DatasetError) {
    var groups: Set<String> = []
    for part in parts {
      let name = part.group
      guard name != ".", !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0) else {
        throw .invalidOption(name: "group", value: name, expected: "a name without slashes")
      }
      guard groups.insert(name).inserted else {
        throw .invalidOption(name: "group", value: name, expected: "names that are not the same")
      }
      guard name != HDF5Tokens.tokensName, name != HDF5Tokens.documentsName || !groups.contains("") else {
        throw .invalidOption(name: "group", value: name, expected: "a name that no dataset has")
      }
    }
  }

  private static func add(_ attributes: Attributes, storage: TokenStorage?, to output: HDF5ChunkedFile) throws {
    if let size = attributes.vocabularySize { try output.add("vocabulary_size", size) }
    if let storage { try output.add("dtype", storage.rawValue) }
    if let hash = attributes.tokenizerHash { try output.add("tokenizer_sha256", hash) }
    if let separator = attributes.separator {
      try output.add("separator", separator.side.rawValue)
      try output.add("separator_token", Int(separator.token))
    }
  }

  /// Writes a dataset, compressing on several threads.
  private static func write(
    _ name: String, _ type: HDF5Number, _ next: @escaping () throws -> HDF5TokenReader.Chunk?,
    to output: HDF5ChunkedFile, chunk: Int, workers: Int, advance: (Int) throws -> Void
  ) throws {
    try output.beginDataset(name, type: type, chunk: chunk)
    try processInOrder(
      workers: workers, budget: budget, produce: next, cost: { $0.bytes.count },
      transform: { chunk in
        let packed = chunk.bytes.withUnsafeBytes {
          HDF5PackedChunk(count: chunk.count, of: $0, elementSize: type.size)
        }
        return (packed, chunk.count)
      },
      consume: { packed, count in
        try output.append(packed)
        try advance(count)
        return true
      })
    try output.endDataset()
  }
}
