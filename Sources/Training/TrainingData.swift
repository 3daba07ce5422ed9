import Datasets
import Files
import Models

/// The tokens of a run: what is trained on, and what the loss is watched on.
final class TrainingData {
  let loader: BatchLoader
  /// nil when validation is off.
  let validation: ValidationBatches?
  /// Two batches for a trial run before the first step.
  let trial: ValidationBatches
  /// One for each source of the mixture; see `fingerprint(of:)`.
  let fingerprints: [String]
  private let sources: [TokenSource]
  private let descriptions: [(path: String, hash: String)]

  /// Opens the data and checks every token against the model's vocabulary.
  /// - Throws: `DatasetError`, `FileError`, `TrainingError.noValidationData`.
  init(_ recipe: TrainingRecipe, model: Model, batch: BatchShape) throws {
    let T = batch.sequenceLength
    let sources = try recipe.data.train.map { try TokenSource(paths: $0.paths, split: .train, weight: $0.weight) }
    let validationSource = recipe.validation.every > 0 ? try TrainingData.validationSource(recipe.data) : nil
    for source in sources + [validationSource].compactMap({ $0 }) {
      try source.validate(vocabularySize: model.vocabularySize)
    }
    loader = try BatchLoader(
      sources: sources, sequenceLength: T, sampling: recipe.data.sampling, seed: recipe.training.seed)
    validation = try validationSource.map {
      try ValidationBatches(source: $0, sequenceLength: T, rows: batch.microBatch, limit: recipe.validation.batches)
    }
    trial = try ValidationBatches(
      source: validationSource ?? sources[0], sequenceLength: T, rows: batch.microBatch, limit: 2)
    fingerprints = sources.map(TrainingData.fingerprint)
    self.sources = sources
    descriptions = try recipe.data.train.flatMap(\.paths).compactMap { path in
      try TokenDataset(path).description.map { (path, $0.tokenizerHash) }
    }
  }

  /// Checks that the data are those of an earlier session, and goes on where that stood.
  /// - Throws: `TrainingError.dataChanged`, `DatasetError.stateMismatch`.
  func restore(_ state: LoaderState, fingerprints saved: [String]) throws {
    for (index, (before, now)) in zip(saved, fingerprints).enumerated() where before != now {
      throw TrainingError.dataChanged(
        source: sources[index].name, reason: "their number or their order is different")
    }
    try loader.restore(state)
  }

  /// What to say when the tokens were made with another tokenizer than the one in `directory`.
  /// - Parameter hash: `DatasetDescription.tokenizerHash` of that.
  func tokenizerNotes(hash: String, directory: String) -> [String] {
    descriptions.filter { $0.hash != hash }.map {
      "\($0.path): the tokens were made with another tokenizer than the one of \(directory)"
    }
  }

  private static func validationSource(_ section: TrainingRecipe.DataSection) throws -> TokenSource {
    if let paths = section.validation { return try TokenSource(paths: paths, split: .validation) }
    let paths = section.train.flatMap(\.paths)
    // A single file is whatever it is wanted for, so it cannot be both here.
    let files = try paths.filter(FileTree.isDirectory).compactMap { try TokenDataset($0)[.validation] }
    guard !files.isEmpty else { throw TrainingError.noValidationData(sources: paths.joined(separator: ", ")) }
    return TokenSource(name: paths.joined(separator: ", "), files: files)
  }

  /// SHA-256 over each file's length and 64 stretches of 256 tokens, spread evenly: tells data apart without reading
  /// them all.
  private static func fingerprint(of source: TokenSource) -> String {
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
        add(file[start..<min(file.count, start + length)])
      }
    }
    return hash.hexDigest()
  }
}

extension TrainingRecipe.TrainingSection.Duration {
  /// Far above any run, far below an overflow.
  private static let stepLimit = 1 << 40

  /// The steps that this is, rounded up.
  /// - Parameter tokensPerEpoch: see `BatchLoader.tokensPerEpoch`; only epochs need it.
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
