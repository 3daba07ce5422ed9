import Datasets
import Files
import Models

/// The tokens of a run: what is trained on, and what the loss is watched on.
final class TrainingData {
  /// The batches of the steps.
  let batches: BatchPrefetcher
  /// nil when validation is off.
  let validation: ValidationBatches?
  /// Two batches for a trial run before the first step.
  let trial: ValidationBatches
  /// One for each source of the mixture; see `fingerprint(of:)`.
  let fingerprints: [String]
  /// What the user should know: files that are too short for a sequence.
  let notes: [String]
  private let sources: [TokenSource]

  /// Opens the data and checks every token against the model's vocabulary.
  /// - Throws: `DatasetError`, `FileError`, `TrainingError`.
  init(_ recipe: TrainingRecipe, model: Model, batch: BatchShape) throws {
    let T = batch.sequenceLength
    let masking = recipe.data.documentMasking
    let sources = try recipe.data.sources()
    let validationSource = recipe.validation.every > 0 ? try recipe.data.validationSource() : nil
    if validationSource == nil, recipe.validation.every > 0 {
      throw TrainingError.noValidationData(sources: recipe.data.train.flatMap(\.paths).joined(separator: ", "))
    }
    for source in sources + [validationSource].compactMap({ $0 }) {
      try source.validate(vocabularySize: model.vocabularySize)
    }
    let loader = try BatchLoader(
      sources: sources, sequenceLength: T, sampling: recipe.data.sampling, seed: recipe.training.seed, masking: masking)
    batches = try BatchPrefetcher(loader, globalBatch: batch.globalBatch)
    validation = try validationSource.map {
      try ValidationBatches(
        source: $0, sequenceLength: T, rows: batch.microBatch, limit: recipe.validation.batches, masking: masking)
    }
    trial = try ValidationBatches(
      source: validationSource ?? sources[0], sequenceLength: T, rows: batch.microBatch, limit: 2, masking: masking)
    fingerprints = try sources.map(TrainingData.fingerprint)
    notes = sources.flatMap(\.files).filter { $0.count <= T }.map {
      "\($0.path): left out, its \($0.count) tokens are too few for a sequence of \(T)"
    }
    self.sources = sources
  }

  /// Checks that the data are those of an earlier session, and goes on where that stood.
  /// - Throws: `TrainingError.dataChanged`, `DatasetError.stateMismatch`.
  func restore(_ state: LoaderState, fingerprints saved: [String]) throws {
    for (index, (before, now)) in zip(saved, fingerprints).enumerated() where before != now {
      throw TrainingError.dataChanged(
        source: sources[index].name, reason: "their number or their order is different")
    }
    try batches.restore(state)
  }

  /// What to say when the tokens were made with another tokenizer than the one in `directory`.
  /// - Parameter hash: `DatasetDescription.tokenizerHash` of that.
  func tokenizerNotes(hash: String, directory: String) -> [String] {
    sources.flatMap(\.files).filter { ($0.tokenizerHash ?? hash) != hash }.map {
      "\($0.path): the tokens were made with another tokenizer than the one of \(directory)"
    }
  }

  /// SHA-256 over each file's length and 64 stretches of 256 tokens, spread evenly: tells data apart without reading
  /// them all.
  private static func fingerprint(of source: TokenSource) throws -> String {
    let stretches = 64
    let length = 256
    var hash = SHA256()
    func add(_ values: [Int32]) {
      values.map(\.littleEndian).withUnsafeBytes { hash.update($0) }
    }
    for file in source.files {
      add([Int32(truncatingIfNeeded: file.count), Int32(truncatingIfNeeded: file.count >> 32)])
      let last = max(0, file.count - length)
      for stretch in 0..<stretches {
        let start = Int(Double(last) * Double(stretch) / Double(stretches - 1))
        add(try file[start..<min(file.count, start + length)])
      }
    }
    return hash.hexDigest()
  }
}

extension TrainingRecipe.TrainingSection.Duration {
  /// Far above any run, far below an overflow.
  private static let stepLimit = 1 << 40

  /// The steps that this is, rounded up.
  /// - Parameter tokensPerEpoch: see `DataSummary.tokensPerEpoch`; only epochs need it.
  /// - Throws: `TrainingError.invalidSetting`.
  public func steps(batch: BatchShape, tokensPerEpoch: Int) throws(TrainingError) -> Int {
    let key: String
    let steps: Double
    switch self {
    case .steps(let count):
      key = "steps"
      steps = Double(count)
    case .tokens(let count):
      key = "tokens"
      steps = (Double(count) / Double(batch.tokensPerStep)).rounded(.up)
    case .epochs(let count):
      key = "epochs"
      steps = (count * Double(tokensPerEpoch) / Double(batch.tokensPerStep)).rounded(.up)
    }
    guard steps >= 1, steps <= Double(Self.stepLimit) else {
      throw .invalidSetting(
        location: nil, key: "training.\(key)", found: "\(steps) steps", expected: "1 to \(Self.stepLimit) steps")
    }
    return Int(steps)
  }
}
