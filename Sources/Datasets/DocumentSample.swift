/// Collects a sample of the documents: without replacement, as many as have the wanted number of tokens in all, whatever the
/// size of the input, in one pass.
///
/// Every document has a key, a random number; the sample is the documents of the smallest keys. The tokens of a document are
/// kept as long as it may be one of them. How small a key must be for that falls while tokens come in, and what was kept
/// needlessly goes from time to time, so that the files hold about twice the sample. The result is that of a sort of all
/// keys: it depends on the documents and the seed alone.
final class DocumentSample: DocumentDestination {
  /// So many tokens in the files that are not wanted any more are no reason to write new ones.
  static let leastSurplus = 1 << 20

  private let directory: OutputDirectory
  private let storage: TokenStorage
  private let choice: ValidationChoice
  private let keepsLengths: Bool
  private let filter: DocumentFilter
  private let wanted: Int
  private let leastSurplus: Int
  private var histogram: KeyHistogram
  private var files: SampleFiles

  /// Goes on with what `state` says.
  init(
    _ directory: OutputDirectory, storage: TokenStorage, choice: ValidationChoice, keepsLengths: Bool,
    filter: DocumentFilter, wanted: Int, leastSurplus: Int, keeping state: PreparationState
  ) throws {
    self.directory = directory
    self.storage = storage
    self.choice = choice
    self.keepsLengths = keepsLengths
    self.filter = filter
    self.wanted = wanted
    self.leastSurplus = leastSurplus
    let sample = state.sample
    try directory.removeSamples(except: sample.generation)
    files = try SampleFiles(
      directory, generation: sample.generation, storage: storage, keeping: sample.tokens, open: state.open.tokens,
      entries: sample.entries)
    histogram = KeyHistogram(shift: sample.shift, bins: sample.bins)
    try count()
    if state.open.status == .full { filter.pass(document: state.position.document) }
  }

  /// Counts the tokens of the candidates anew.
  private func count() throws {
    var tokens = 0
    try files.forEachEntry { _, entry in
      guard (0...files.tokens - tokens).contains(entry.tokens), entry.textBytes >= 0 else {
        throw DatasetError.damagedState(
          path: directory.sampleIndex(files.generation), reason: "a document of \(entry.tokens) tokens")
      }
      tokens += entry.tokens
      if histogram.admits(entry.key) { histogram.add(entry.key, tokens: entry.tokens) }
    }
    guard tokens == files.tokens else {
      throw DatasetError.damagedState(
        path: directory.sampleIndex(files.generation), reason: "\(tokens) tokens, expected \(files.tokens)")
    }
    filter.lower(to: histogram.largestKey)
  }

  func wants(document: Int) -> Bool { !filter.keysAreNumbers || histogram.admits(filter.key(document: document)) }
  func wants(_ hash: TextHash) -> Bool { filter.keysAreNumbers || histogram.admits(filter.key(hash)) }

  func append(_ tokens: ArraySlice<Int32>, _ state: inout PreparationState) throws(DatasetError) {
    // One more than can be part of the sample: so it shows that the document is cut.
    let room = max(0, wanted + 1 - state.open.tokens)
    try files.append(tokens.prefix(room))
    state.open.tokens += min(room, tokens.count)
    // The text of a document must be read to its end for its key.
    if state.open.tokens == wanted + 1, filter.keysAreNumbers {
      state.open.status = .full
      filter.pass(document: state.position.document)
    }
  }

  func discard(_ state: inout PreparationState) {
    files.discard()
    state.open.tokens = 0
  }

  func close(document: Int, hash: TextHash?, _ state: inout PreparationState) throws {
    let key = hash.map { filter.key($0) } ?? filter.key(document: document)
    try files.close(
      SampleFiles.Entry(
        key: key, tokens: state.open.tokens, textBytes: state.open.textBytes,
        isForValidation: choice.isChosen(document: document)))
    histogram.add(key, tokens: state.open.tokens)
    if histogram.lower(keeping: wanted) { filter.lower(to: histogram.largestKey) }
    state.documents += 1
    state.textBytes += state.open.textBytes
    update(&state)
  }

  private func update(_ state: inout PreparationState) {
    state.sample = SampleState(
      generation: files.generation, tokens: files.tokens, entries: files.entries, shift: histogram.shift,
      bins: histogram.bins, candidateTokens: histogram.total)
  }

  func isCrowded(_ state: PreparationState) -> Bool {
    files.tokens - histogram.total > max(histogram.total, leastSurplus)
  }

  func rearrange(_ state: inout PreparationState) throws {
    files = try files.next(directory, admitting: histogram)
    histogram = histogram.refined
    try count()
    if histogram.lower(keeping: wanted) { filter.lower(to: histogram.largestKey) }
    update(&state)
  }

  func forget() throws { try directory.removeSamples(except: files.generation) }

  func flush() throws(DatasetError) { try files.flush() }
  func sync() throws(DatasetError) { try files.sync() }

  /// Copies the sample to the token files.
  func finish(_ state: inout PreparationState) throws {
    let cut = try SampleCut(files, histogram, wanted: wanted)
    state.isSampled = cut != nil || histogram.largestKey < .max
    (state.documents, state.textBytes) = (0, 0)
    let writer = try SplitWriter(
      directory, storage: storage, choice: choice, keepsLengths: keepsLengths, keeping: state)
    try files.copy { number, entry in
      guard histogram.admits(entry.key) else { return nil }
      guard let tokens = cut.map({ $0.tokens(of: entry, number: number) }) ?? entry.tokens else { return nil }
      let share = Double(tokens) / Double(max(1, entry.tokens))
      let file = try writer.add(
        tokens: tokens, textBytes: Int(Double(entry.textBytes) * share), toValidation: entry.isForValidation, &state)
      return (tokens, file)
    }
    try writer.finish(&state)
    try writer.sync()
  }
}
