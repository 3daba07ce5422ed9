import Foundation
import Tokenization

/// The writing side of a preparation: takes tokenised documents in order, decides about each, and keeps the state.
final class PreparationRun {
  private(set) var state: PreparationState

  private let output: OutputDirectory
  private let options: PreparationOptions
  private let filter: DocumentFilter
  private let destination: any DocumentDestination
  private let badLines: BadLineList
  /// Nil unless asked for.
  private let texts: DocumentSet?
  private let killPoints: KillPoints?
  private var lastSave = Date()

  init(
    _ state: PreparationState, output: OutputDirectory, options: PreparationOptions, storage: TokenStorage,
    filter: DocumentFilter, testing: PreparationTesting
  ) throws {
    self.state = state
    self.output = output
    self.options = options
    self.filter = filter
    killPoints = testing.killPoints
    let choice = ValidationChoice(fraction: options.validationFraction, seed: options.seed)
    if let wanted = options.maximumTokens {
      destination = try DocumentSample(
        output, storage: storage, choice: choice, keepsLengths: options.keepsDocumentLengths, filter: filter,
        wanted: wanted, leastSurplus: testing.leastSurplus, keeping: state)
    } else {
      destination = try SplitWriter(
        output, storage: storage, choice: choice, keepsLengths: options.keepsDocumentLengths, keeping: state)
    }
    badLines = try BadLineList(output.partial(.badLines), keeping: state.badLineBytes)
    texts =
      options.deduplicates
      ? try DocumentSet(
        output.setPath, keeping: state.distinctTexts, leastSlots: testing.leastSlots, killPoints: killPoints)
      : nil
    if state.open.status == .passed { filter.pass(document: state.position.document) }
  }

  /// Writes a batch, and saves the state if that is due.
  func write(_ batch: TokenizedBatch) throws {
    var start = 0
    for (index, piece) in batch.pieces.enumerated() {
      do { try killPoints?.pass() } catch {
        // Of what a kill interrupts, some may be on the disk.
        try destination.flush()
        throw error
      }
      state.position = piece.position
      try write(piece, batch.tokens[start..<piece.end], failure: batch.failures[index])
      start = piece.end
      state.position = index + 1 < batch.pieces.count ? batch.pieces[index + 1].position : batch.end
      if piece.isLast, destination.isCrowded(state) { try rearrange() }
    }
    state.position = batch.end
    state.consumed = batch.consumed
  }

  func saveIfDue() throws {
    if Date().timeIntervalSince(lastSave) >= options.checkpointInterval { try save() }
  }

  /// Everything so far is on the disk, and a later run goes on from here.
  func save() throws {
    try destination.sync()
    try badLines.sync()
    try texts?.sync()
    state.badLineBytes = badLines.bytes
    state.distinctTexts = texts?.count ?? 0
    try killPoints?.pass()
    try output.save(state)
    try killPoints?.pass()
    lastSave = Date()
  }

  /// After the last document: from here on there is only the commit to do.
  func finish() throws {
    // What the destination makes of its files must not be lost with them.
    try save()
    try destination.finish(&state)
    try destination.sync()
    try killPoints?.pass()
    state.phase = .committing
    try output.save(state)
  }

  private func write(_ piece: TokenizedBatch.Piece, _ tokens: ArraySlice<Int32>, failure: DatasetError?) throws {
    let document = piece.position.document
    if piece.isFirst {
      state.open = OpenDocument()
      if !destination.wants(document: document) {
        state.open.status = .passed
        if !piece.isLast { filter.pass(document: document) }
      }
    }
    if state.open.status == .blank || state.open.status == .text {
      if let failure {
        try leaveOut(failure)
        state.open.status = .passed
        filter.pass(document: document)
      } else {
        if !piece.isBlank { state.open.status = .text }
        let before = state.open.tokens
        try destination.append(tokens, &state)
        let taken = state.open.tokens - before
        // Of a text that is cut, in proportion.
        state.open.textBytes += taken == tokens.count ? piece.textBytes : piece.textBytes * taken / tokens.count
      }
    }
    if piece.isLast {
      try close(document, hash: piece.hash)
      state.open = OpenDocument()
    }
  }

  private func leaveOut(_ failure: DatasetError) throws {
    guard state.badLines < options.maximumBadLines else {
      // A later run with a higher limit begins with this very document.
      try save()
      throw DatasetError.tooManyBadLines(
        count: state.badLines + 1, limit: options.maximumBadLines, last: failure.description)
    }
    destination.discard(&state)
    try badLines.append(failure)
    state.badLines += 1
  }

  private func close(_ document: Int, hash: TextHash?) throws {
    switch state.open.status {
    case .passed: break
    case .blank:
      state.emptyDocuments += 1
      destination.discard(&state)
    case .text, .full:
      if let hash, let texts {
        guard destination.wants(hash) else { return destination.discard(&state) }
        guard try texts.insert(hash, document: document) else {
          state.duplicateDocuments += 1
          return destination.discard(&state)
        }
      }
      try destination.close(document: document, hash: hash, &state)
    }
  }

  private func rearrange() throws {
    try destination.rearrange(&state)
    try save()
    try destination.forget()
  }
}

/// What tests change.
struct PreparationTesting {
  var killPoints: KillPoints?
  /// Smaller batches bring more saves into less text, and smaller pieces, tables and samples more of what else can be
  /// interrupted.
  var batchBytes: Int?
  var pieceBytes: Int?
  var leastSlots = 1 << 16
  var leastSurplus = DocumentSample.leastSurplus
}
