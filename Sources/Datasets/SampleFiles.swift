/// The tokens of documents that may become part of a sample, and what is known of each document: two files that grow
/// together, under temporary names. When much in them is no longer wanted, the next generation takes over what still is.
final class SampleFiles {
  /// One document.
  struct Entry {
    static let bytes = 24

    var key: UInt64
    var tokens: Int
    var textBytes: Int
    var isForValidation: Bool
  }

  let generation: Int
  private(set) var entries: Int
  private(set) var tokens: Int
  private let storage: TokenStorage
  private let tokenFile: TokenWriter
  private let index: PartialFile

  /// Opens or creates the files of a generation, and keeps so much of them.
  /// - Parameter open: tokens of the open document.
  init(
    _ directory: OutputDirectory, generation: Int, storage: TokenStorage, keeping tokens: Int = 0, open: Int = 0,
    entries: Int = 0
  ) throws(DatasetError) {
    self.generation = generation
    self.storage = storage
    self.tokens = tokens
    self.entries = entries
    tokenFile = try TokenWriter(directory.sampleTokens(generation), storage: storage, keeping: tokens + open)
    index = try PartialFile(directory.sampleIndex(generation), keeping: entries * Entry.bytes)
  }

  /// Adds tokens to the open document.
  func append(_ tokens: ArraySlice<Int32>) throws(DatasetError) { try tokenFile.append(tokens) }

  /// Closes the open document.
  func close(_ entry: Entry) throws(DatasetError) {
    let room = try index.room(Entry.bytes)
    room.storeBytes(of: entry.key.littleEndian, as: UInt64.self)
    room.storeBytes(of: Int64(entry.tokens).littleEndian, toByteOffset: 8, as: Int64.self)
    let text = Int64(entry.textBytes) << 1 | (entry.isForValidation ? 1 : 0)
    room.storeBytes(of: text.littleEndian, toByteOffset: 16, as: Int64.self)
    index.filled(Entry.bytes)
    entries += 1
    tokens += entry.tokens
  }

  /// Takes back the tokens of the open document.
  func discard() { tokenFile.rewind(to: tokens) }

  func flush() throws(DatasetError) {
    try tokenFile.file.flush()
    try index.flush()
  }

  func sync() throws(DatasetError) {
    try tokenFile.file.sync()
    try index.sync()
  }

  /// Calls `body` with every closed document, in order.
  func forEachEntry(_ body: (Int, Entry) throws -> Void) throws {
    var number = 0
    try index.forEach(0..<entries * Entry.bytes, step: 8192 * Entry.bytes) { block in
      for offset in stride(from: 0, to: block.count, by: Entry.bytes) {
        let text = Int(Int64(littleEndian: block.loadUnaligned(fromByteOffset: offset + 16, as: Int64.self)))
        let entry = Entry(
          key: UInt64(littleEndian: block.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
          tokens: Int(Int64(littleEndian: block.loadUnaligned(fromByteOffset: offset + 8, as: Int64.self))),
          textBytes: text >> 1, isForValidation: text & 1 == 1)
        try body(number, entry)
        number += 1
      }
    }
  }

  /// Copies tokens of one document after the other.
  /// - Parameter choose: how many of a document's first tokens are wanted, and where; nil if nothing of it is.
  func copy(_ choose: (Int, Entry) throws -> (tokens: Int, to: TokenWriter)?) throws {
    var runs = TokenRuns(tokenFile)
    var start = 0
    try forEachEntry { number, entry in
      if let (tokens, destination) = try choose(number, entry) {
        try runs.add(start..<start + tokens, to: destination)
      }
      start += entry.tokens
    }
    try runs.finish()
  }

  /// Copies the documents that `histogram` admits to the next generation.
  func next(_ directory: OutputDirectory, admitting histogram: KeyHistogram) throws -> SampleFiles {
    let next = try SampleFiles(directory, generation: generation + 1, storage: storage)
    try copy { _, entry in
      guard histogram.admits(entry.key) else { return nil }
      try next.close(entry)
      return (entry.tokens, next.tokenFile)
    }
    return next
  }
}

/// Copies neighbouring stretches of a token file in one step.
private struct TokenRuns {
  let source: TokenWriter
  private var run = 0..<0
  private var destination: TokenWriter?

  init(_ source: TokenWriter) { self.source = source }

  mutating func add(_ range: Range<Int>, to destination: TokenWriter) throws {
    if range.lowerBound != run.upperBound || destination !== self.destination {
      try finish()
      run = range.lowerBound..<range.lowerBound
      self.destination = destination
    }
    run = run.lowerBound..<range.upperBound
  }

  mutating func finish() throws {
    if let destination, !run.isEmpty { try source.copy(run, to: destination) }
    run = run.upperBound..<run.upperBound
  }
}
