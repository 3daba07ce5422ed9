import Datasets
import Models

extension TrainingRecipe.DataSection {
  /// What the batches are drawn from, opened: the domains of a mixture, or the sources that are listed.
  /// - Throws: `DatasetError`, `FileError`; `TrainingError` for weights of what is no mixture, or of unknown domains.
  func sources() throws -> [TokenSource] {
    let sources = try mixture() ?? train.map { try TokenSource(paths: $0.paths, split: .train, weight: $0.weight) }
    return sources.map { $0.assuming(documentSeparator) }
  }

  /// The tokens that the loss is watched on; nil for none.
  func validationSource() throws -> TokenSource? {
    let source =
      try validation.map { try TokenSource(paths: $0, split: .validation) }
      ?? TokenSource(validationBeside: train.flatMap(\.paths))
    return source?.assuming(documentSeparator)
  }

  /// Whether there is something at every path that is trained on.
  /// - Throws: `DatasetError` for a pattern that cannot be expanded.
  func isPresent() throws -> Bool { try train.flatMap(\.paths).allSatisfy(TokenSource.exists) }

  /// The domains of the directory that is the whole of `train`, with their weights; nil if it is something else.
  private func mixture() throws -> [TokenSource]? {
    guard train.count == 1, train[0].paths.count == 1 else { return nil }
    let path = train[0].paths[0]
    guard let domains = try TokenSource.domains(of: path) else {
      if !weights.isEmpty { throw TrainingError.noMixture(path: path) }
      return nil
    }
    let names = domains.map(\.name)
    if let name = weights.keys.sorted().first(where: { !names.contains($0) }) {
      throw TrainingError.unknownDomain(
        name: name, mixture: path, suggestion: NearestName.of(name, among: names), known: names)
    }
    return domains.map { TokenSource(name: $0.name, files: $0.files, weight: weights[$0.name] ?? $0.weight) }
  }

  /// The same section with the weights of every domain where it names a mixture: a run that goes on must find the ones that
  /// it began with, whatever the mixture says by then.
  func resolvingWeights() throws -> TrainingRecipe.DataSection {
    guard let domains = try mixture() else { return self }
    var section = self
    for domain in domains { section.weights[domain.name] = domain.weight }
    return section
  }
}

/// What the batches of a run are drawn from, for a look before it starts.
public struct DataSummary: Sendable {
  public struct Source: Sendable {
    public let name: String
    public let files: Int
    public let tokens: Int
    /// Of the sequences, 0 to 1.
    public let share: Double
  }

  public let sources: [Source]
  /// Tokens in one pass over all of them.
  public let tokensPerEpoch: Int
}

extension TrainingRecipe {
  /// Opens the training data; nil when they are not there yet.
  /// - Throws: `DatasetError`, `FileError`, `TrainingError`.
  public func dataSummary(model: Model) throws -> DataSummary? {
    guard try data.isPresent() else { return nil }
    let sources = try data.sources()
    let loader = try BatchLoader(
      sources: sources, sequenceLength: sequenceLength(of: model), sampling: data.sampling, seed: training.seed,
      masking: data.documentMasking)
    let weights = sources.reduce(0) { $0 + $1.weight }
    return DataSummary(
      sources: sources.map {
        .init(name: $0.name, files: $0.files.count, tokens: $0.tokens, share: $0.weight / weights)
      }, tokensPerEpoch: loader.tokensPerEpoch)
  }
}
