import Files
import Tokenization

/// Text files → token files: `train.bin`, `validation.bin` and `dataset.json` in one directory.
///
/// The result depends on the inputs and the options that shape it, not on the number of workers, and not on whether the work
/// was interrupted: a preparation that ended in any way, `kill -9` included, goes on where it was when it is run again.
/// Memory does not grow with the input.
///
/// **Documents** are numbered in the order of the input.
///
/// **Splits.** A document is a validation document if the hash of its number and the seed falls below the fraction; the first
/// one that is kept never is. If that chose no document (always so for a single one), the last ⌈fraction × tokens⌉ tokens
/// become validation data, as in nanoGPT's Shakespeare, except for the very first token.
///
/// **Samples.** See `PreparationOptions.maximumTokens` and `DocumentSample`.
public final class Preparation {
  public let files: [InputFile]
  /// Stored bytes of all inputs.
  public let totalBytes: Int

  private let tokenizer: Tokenizer
  private let output: OutputDirectory
  private let options: PreparationOptions
  private let separatorToken: Int32?
  private let tokenizerHash: String
  private let storage: TokenStorage
  private var state: PreparationState

  var testing = PreparationTesting()

  /// Finds the inputs, and what an earlier run has left in `output`. Nothing but the directory itself is written yet.
  /// - Parameters:
  ///   - inputs: files, directories and patterns; see `InputFile.expand`.
  ///   - output: a directory; made if it does not exist.
  /// - Throws: `DatasetError`, `FileError`.
  public init(
    inputs: [String], tokenizer: Tokenizer, output: String, options: PreparationOptions = PreparationOptions()
  ) throws {
    try options.validate()
    self.options = options
    self.tokenizer = tokenizer
    files = try InputFile.expand(inputs)
    totalBytes = files.reduce(0) { $0 + $1.size }
    separatorToken = try options.separator.token(of: tokenizer)
    tokenizerHash = try DatasetDescription.tokenizerHash(of: tokenizer.files)
    storage = TokenStorage(vocabularySize: tokenizer.vocabularySize)
    let settings = options.fingerprint(
      files: files, tokenizerHash: tokenizerHash, vocabularySize: tokenizer.vocabularySize,
      separatorToken: separatorToken)
    self.output = try OutputDirectory(output)
    state = try self.output.state(for: settings, replacing: options.replacesExisting)
  }

  /// Whether an earlier run is being continued.
  public var isResumed: Bool { state.position != InputPosition() || state.phase == .committing }

  public var progress: PreparationProgress { progress(state) }

  private func progress(_ state: PreparationState) -> PreparationProgress {
    let candidates = options.maximumTokens.map { min($0, state.sample.candidateTokens) } ?? 0
    return PreparationProgress(
      documents: state.documents, tokens: state.phase == .writing ? state.tokens + candidates : state.tokens,
      textBytes: state.textBytes, badLines: state.badLines, bytesRead: state.consumed, bytesTotal: totalBytes)
  }

  /// Does the work, or the rest of it. `report` is called after every batch of documents (about 256 KiB of text).
  /// - Throws: `DatasetError`, `FileError`. The state of the last save remains, and the same preparation can be run again.
  public func run(
    report: (PreparationProgress) throws -> PreparationDecision = { _ in .continue }
  ) throws -> PreparationOutcome<DatasetDescription> {
    do {
      return try complete(report)
    } catch DatasetError.damagedState where options.replacesExisting && isResumed {
      // --force: what is left of the earlier run is of no use, so this one begins anew.
      state = PreparationState(settings: state.settings, replaces: true)
      return try complete(report)
    }
  }

  private func complete(
    _ report: (PreparationProgress) throws -> PreparationDecision
  ) throws -> PreparationOutcome<DatasetDescription> {
    if state.phase == .writing {
      guard try tokenize(report) else { return .stopped(progress) }
    }
    let description = self.description
    try output.commit(
      finishedFiles(of: state), description, replaces: state.replaces, killPoints: testing.killPoints)
    return .finished(description)
  }

  /// - Returns: false if `report` asked to stop.
  private func tokenize(_ report: (PreparationProgress) throws -> PreparationDecision) throws -> Bool {
    try output.save(state)
    let keys: DocumentFilter.Keys? =
      options.maximumTokens == nil ? nil : options.deduplicates ? .text : .number
    let filter = DocumentFilter(keys: keys, seed: options.seed)
    let run = try PreparationRun(
      state, output: output, options: options, storage: storage, filter: filter, testing: testing)
    let reader = DocumentReader(
      files: files, settings: readerSettings, filter: filter, lastCut: { [tokenizer] in tokenizer.lastCut(in: $0) },
      from: state.position)
    let documentTokenizer = DocumentTokenizer(
      tokenizer: tokenizer, files: files, textKey: options.textKey, separator: options.separator,
      separatorToken: separatorToken, filter: filter, hashesText: options.deduplicates)
    var stopped = false
    do {
      defer { state = run.state }
      try processInOrder(
        workers: options.workers, budget: max(4, 2 * options.workers) << 20,
        produce: { try reader.next() }, cost: { max($0.bytes.count, 1 << 12) },
        transform: { try documentTokenizer.tokenize($0) }
      ) { batch in
        try run.write(batch)
        stopped = try report(progress(run.state)) == .stop
        if stopped { try run.save() } else { try run.saveIfDue() }
        return !stopped
      }
      if stopped { return false }
      guard run.state.documents > 0 else {
        try output.discard()
        throw DatasetError.nothingToPrepare(inputs: files.count)
      }
      try run.finish()
    }
    return true
  }

  private var readerSettings: DocumentReader.Settings {
    var settings = DocumentReader.Settings(
      delimiter: options.documentDelimiter, documentLimit: options.maximumDocumentBytes,
      hashesText: options.deduplicates)
    if let bytes = testing.batchBytes { settings.batchBytes = bytes }
    if let bytes = testing.pieceBytes { settings.pieceBytes = bytes }
    return settings
  }

  private func finishedFiles(of state: PreparationState) -> [OutputDirectory.FinishedFile] {
    var files: [OutputDirectory.FinishedFile] = [.init(file: .train, bytes: state.train.tokens * storage.bytes)]
    let hasValidation = state.validation.tokens > 0
    if hasValidation { files.append(.init(file: .validation, bytes: state.validation.tokens * storage.bytes)) }
    if options.keepsDocumentLengths {
      files.append(
        .init(
          file: .trainDocuments, bytes: state.train.lengths * DocumentLengths.width, lastWord: state.train.lastLength))
      if hasValidation {
        files.append(.init(file: .validationDocuments, bytes: state.validation.lengths * DocumentLengths.width))
      }
    }
    if state.badLines > 0 { files.append(.init(file: .badLines, bytes: state.badLineBytes)) }
    return files
  }

  private var description: DatasetDescription {
    func split(_ split: SplitState, _ file: OutputDirectory.File, _ documents: OutputDirectory.File)
      -> DatasetDescription.Split
    {
      .init(
        file: file.rawValue, tokens: split.tokens, documents: split.documents,
        documentsFile: options.keepsDocumentLengths ? documents.rawValue : nil)
    }
    return DatasetDescription(
      storage: storage, vocabularySize: tokenizer.vocabularySize, tokenizerHash: tokenizerHash,
      train: split(state.train, .train, .trainDocuments),
      validation: state.validation.tokens == 0 ? nil : split(state.validation, .validation, .validationDocuments),
      validationRule: state.validationRule, validationFraction: options.validationFraction, seed: options.seed,
      separator: options.separator, separatorToken: separatorToken, textKey: options.textKey,
      documentDelimiter: options.documentDelimiter, maximumTokens: options.maximumTokens, isSampled: state.isSampled,
      documents: state.documents, emptyDocuments: state.emptyDocuments,
      duplicateDocuments: options.deduplicates ? state.duplicateDocuments : nil, badLines: state.badLines,
      textBytes: state.textBytes, sources: files.map { .init(path: $0.path, bytes: $0.size) })
  }
}
