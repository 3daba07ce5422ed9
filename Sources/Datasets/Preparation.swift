import Files
import Foundation
import Tensors
import Tokenization

/// Text files → token files: `train.bin`, `validation.bin` and `dataset.json` in one directory.
///
/// The result depends on the inputs and the options that shape it, not on the number of workers, and not on whether the work
/// was interrupted: a preparation that ended in any way, `kill -9` included, goes on where it was when it is run again.
///
/// **Splits.** Documents are numbered in the order of the input. A document is a validation document if the hash of its number
/// and the seed falls below the fraction; document 0 never is. If that chose no document (always so for a single one), the last
/// ⌈fraction × tokens⌉ tokens become validation data, as in nanoGPT's Shakespeare, except for the very first token.
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

  /// For tests: ends as if killed once so many documents were written, leaving the unfinished files as they are.
  var faultAfterDocuments: Int?
  /// For tests: smaller batches bring more saves into less text.
  var batchBytes = DocumentReader.batchBytes

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
  public var isResumed: Bool { state.consumed > 0 || state.phase == .committing }

  public var progress: PreparationProgress {
    PreparationProgress(
      documents: state.documents, tokens: state.tokens, textBytes: state.textBytes, bytesRead: state.consumed,
      bytesTotal: totalBytes)
  }

  /// Does the work, or the rest of it. `report` is called after every batch of documents (about 256 KiB of text).
  /// - Throws: `DatasetError`, `FileError`. The state of the last save remains, and the same preparation can be run again.
  public func run(
    report: (PreparationProgress) throws -> PreparationDecision = { _ in .continue }
  ) throws -> PreparationOutcome {
    do {
      return try complete(report)
    } catch DatasetError.damagedState where options.replacesExisting && isResumed {
      // --force: what is left of the earlier run is of no use, so this one begins anew.
      state = PreparationState(settings: state.settings, replaces: true)
      return try complete(report)
    }
  }

  private func complete(_ report: (PreparationProgress) throws -> PreparationDecision) throws -> PreparationOutcome {
    if state.phase == .writing {
      guard try tokenize(report) else { return .stopped(progress) }
    }
    let description = self.description
    try output.commit(description, replaces: state.replaces)
    return .finished(description)
  }

  /// - Returns: false if `report` asked to stop.
  private func tokenize(_ report: (PreparationProgress) throws -> PreparationDecision) throws -> Bool {
    try output.save(state)
    let train = try TokenWriter(output.trainPartial, storage: storage, keeping: state.trainTokens)
    let validation = try TokenWriter(output.validationPartial, storage: storage, keeping: state.validationTokens)
    let reader = DocumentReader(
      files: files, delimiter: options.documentDelimiter, documentLimit: options.maximumDocumentBytes,
      batchBytes: batchBytes, from: state.position)
    let documentTokenizer = DocumentTokenizer(
      tokenizer: tokenizer, files: files, textKey: options.textKey, separator: options.separator,
      separatorToken: separatorToken)
    var stopped = false
    var lastSave = Date()
    try processInOrder(
      workers: options.workers, budget: max(4, 2 * options.workers) << 20,
      produce: { try reader.next() }, cost: { $0.bytes.count },
      transform: { try documentTokenizer.tokenize($0) }
    ) { batch in
      guard try write(batch, train: train, validation: validation) else { return false }
      stopped = try report(progress) == .stop
      if stopped || Date().timeIntervalSince(lastSave) >= options.checkpointInterval {
        try save(train, validation)
        lastSave = Date()
      }
      return !stopped
    }
    if stopped { return false }
    guard state.tokens > 0 else {
      try output.discard()
      throw DatasetError.nothingToPrepare(inputs: files.count)
    }
    try finish(train, validation)
    return true
  }

  /// - Returns: false once the wanted number of tokens is reached.
  private func write(_ batch: TokenizedBatch, train: TokenWriter, validation: TokenWriter) throws -> Bool {
    var start = 0
    for document in batch.documents {
      if let fault = faultAfterDocuments, state.documents == fault {
        try train.flush()
        throw InjectedFault()
      }
      let room = options.maximumTokens.map { $0 - state.tokens } ?? Int.max
      let tokens = batch.tokens[start..<start + min(room, document.end - start)]
      if isForValidation(state.documents) {
        try validation.append(tokens)
        state.validationTokens += tokens.count
        state.validationDocuments += 1
      } else {
        try train.append(tokens)
        state.trainTokens += tokens.count
        state.trainDocuments += 1
      }
      state.documents += 1
      state.emptyDocuments += document.emptyBefore
      state.textBytes += document.textBytes
      start = document.end
      if state.tokens == options.maximumTokens { return false }
    }
    state.emptyDocuments += batch.emptyAtEnd
    state.position = batch.end
    state.consumed = batch.consumed
    return true
  }

  private func isForValidation(_ document: Int) -> Bool {
    // A product below 2^64, since the fraction is below 1.
    let threshold = UInt64(options.validationFraction * 0x1p64)
    return document > 0 && SplitMix64.value(seed: options.seed, at: UInt64(document)) < threshold
  }

  private func save(_ train: TokenWriter, _ validation: TokenWriter) throws {
    try train.sync()
    try validation.sync()
    try output.save(state)
  }

  /// Chooses the validation tokens if no document was chosen, and declares both files complete.
  private func finish(_ train: TokenWriter, _ validation: TokenWriter) throws {
    state.validationRule = options.validationFraction == 0 ? .none : .documents
    if options.validationFraction > 0, state.validationTokens == 0, state.trainTokens > 1 {
      let wanted = Int((Double(state.trainTokens) * options.validationFraction).rounded(.up))
      let tail = min(max(1, wanted), state.trainTokens - 1)
      // The tail stays in the train file until the commit cuts it off: up to there a kill loses nothing.
      try train.copy(state.trainTokens - tail..<state.trainTokens, to: validation)
      state.trainTokens -= tail
      state.validationTokens = tail
      state.validationRule = .tail
    }
    state.phase = .committing
    try save(train, validation)
  }

  private var description: DatasetDescription {
    DatasetDescription(
      storage: storage, vocabularySize: tokenizer.vocabularySize, tokenizerHash: tokenizerHash,
      train: .init(file: OutputDirectory.trainFile, tokens: state.trainTokens, documents: state.trainDocuments),
      validation: state.validationTokens == 0
        ? nil
        : .init(
          file: OutputDirectory.validationFile, tokens: state.validationTokens, documents: state.validationDocuments),
      validationRule: state.validationRule, validationFraction: options.validationFraction, seed: options.seed,
      separator: options.separator, separatorToken: separatorToken, textKey: options.textKey,
      documentDelimiter: options.documentDelimiter, maximumTokens: options.maximumTokens, documents: state.documents,
      emptyDocuments: state.emptyDocuments, textBytes: state.textBytes,
      sources: files.map { .init(path: $0.path, bytes: $0.size) })
  }
}

struct InjectedFault: Error {}
