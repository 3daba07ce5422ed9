/// Writes documents to the token files of the two splits.
final class SplitWriter: DocumentDestination {
  private let choice: ValidationChoice
  private let train: TokenWriter
  private let validation: TokenWriter
  /// Nil unless asked for.
  private let trainLengths: DocumentLengths?
  private let validationLengths: DocumentLengths?

  init(
    _ directory: OutputDirectory, storage: TokenStorage, choice: ValidationChoice, keepsLengths: Bool,
    keeping state: PreparationState
  ) throws(DatasetError) {
    self.choice = choice
    let open = state.open.tokens
    let opensValidation = open > 0 && choice.isValidation(state)
    train = try TokenWriter(
      directory.partial(.train), storage: storage, keeping: state.train.tokens + (opensValidation ? 0 : open))
    validation = try TokenWriter(
      directory.partial(.validation), storage: storage, keeping: state.validation.tokens + (opensValidation ? open : 0))
    trainLengths =
      keepsLengths ? try DocumentLengths(directory.partial(.trainDocuments), keeping: state.train.lengths) : nil
    validationLengths =
      keepsLengths
      ? try DocumentLengths(directory.partial(.validationDocuments), keeping: state.validation.lengths) : nil
  }

  func wants(document: Int) -> Bool { true }
  func wants(_ hash: TextHash) -> Bool { true }

  func append(_ tokens: ArraySlice<Int32>, _ state: inout PreparationState) throws(DatasetError) {
    try (choice.isValidation(state) ? validation : train).append(tokens)
    state.open.tokens += tokens.count
  }

  func discard(_ state: inout PreparationState) {
    train.rewind(to: state.train.tokens)
    validation.rewind(to: state.validation.tokens)
    state.open.tokens = 0
  }

  func close(document: Int, hash: TextHash?, _ state: inout PreparationState) throws {
    _ = try add(
      tokens: state.open.tokens, textBytes: state.open.textBytes, toValidation: choice.isValidation(state), &state)
  }

  /// Counts a document whose tokens go, or went, to the file that is returned. The first one is never a validation document.
  func add(
    tokens: Int, textBytes: Int, toValidation: Bool, _ state: inout PreparationState
  ) throws(DatasetError) -> TokenWriter {
    let isValidation = toValidation && state.documents > 0
    let lengths = isValidation ? validationLengths : trainLengths
    try lengths?.append(tokens)
    var split = isValidation ? state.validation : state.train
    split.tokens += tokens
    split.documents += 1
    split.lengths = lengths?.entries ?? 0
    if isValidation { state.validation = split } else { state.train = split }
    state.documents += 1
    state.textBytes += textBytes
    return isValidation ? validation : train
  }

  func isCrowded(_ state: PreparationState) -> Bool { false }
  func rearrange(_ state: inout PreparationState) throws {}
  func forget() throws {}

  func flush() throws(DatasetError) {
    try train.file.flush()
    try validation.file.flush()
    try trainLengths?.file.flush()
    try validationLengths?.file.flush()
  }

  func sync() throws(DatasetError) {
    try train.file.sync()
    try validation.file.sync()
    try trainLengths?.file.sync()
    try validationLengths?.file.sync()
  }

  /// Chooses the validation tokens if no document was chosen.
  func finish(_ state: inout PreparationState) throws {
    state.validationRule = choice.fraction == 0 ? .none : .documents
    guard choice.fraction > 0, state.validation.tokens == 0, state.train.tokens > 1 else { return }
    let wanted = Int((Double(state.train.tokens) * choice.fraction).rounded(.up))
    let tail = min(max(1, wanted), state.train.tokens - 1)
    // The tail stays in the train files until the commit cuts it off: up to there a kill loses nothing.
    try train.copy(state.train.tokens - tail..<state.train.tokens, to: validation)
    if let trainLengths, let validationLengths {
      let (entries, last) = try trainLengths.copyTail(tail, to: validationLengths)
      state.train.lengths = entries
      state.train.lastLength = last ?? 0
      state.validation.lengths = validationLengths.entries
    }
    state.train.tokens -= tail
    state.validation.tokens = tail
    state.validationRule = .tail
  }
}

extension ValidationChoice {
  /// Whether the open document, or the one that begins here, is a validation document: never the first one that is kept.
  func isValidation(_ state: PreparationState) -> Bool {
    state.documents > 0 && isChosen(document: state.position.document)
  }
}
