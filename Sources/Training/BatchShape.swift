/// How a global batch is cut into what is computed at once.
public struct BatchShape: Sendable, Equatable {
  /// Sequences of one micro-batch, B.
  public let microBatch: Int
  /// Micro-batches of one step, whose gradients add up.
  public let accumulation: Int
  /// Tokens of one sequence, T.
  public let sequenceLength: Int

  /// Sequences of one step.
  public var globalBatch: Int { microBatch * accumulation }
  public var tokensPerStep: Int { globalBatch * sequenceLength }

  /// nanoGPT's `batch_size`.
  private static let largestDefault = 12
  /// Far above any batch there is, far below an overflow.
  private static let tokenLimit = 1 << 40

  /// - Throws: `TrainingError` when the parts do not divide the whole.
  public init(_ recipe: TrainingRecipe, sequenceLength T: Int) throws(TrainingError) {
    let sequences: Int
    switch recipe.training.globalBatch {
    case .sequences(let count):
      sequences = count
      let (tokens, overflow) = count.multipliedReportingOverflow(by: T)
      guard !overflow, tokens <= BatchShape.tokenLimit else {
        throw .invalidSetting(
          location: nil, key: "training.global_batch_size", found: "\(count)",
          expected: "\(BatchShape.tokenLimit) tokens at most, in sequences of \(T)")
      }
    case .tokens(let tokens):
      guard tokens % T == 0, tokens > 0, tokens <= BatchShape.tokenLimit else {
        throw .invalidSetting(
          location: nil, key: "training.global_batch_tokens", found: "\(tokens)",
          expected:
            "a multiple of the sequence length \(T), for instance \(max(1, min(tokens, BatchShape.tokenLimit) / T) * T)"
        )
      }
      sequences = tokens / T
    }
    let largest = min(sequences, BatchShape.largestDefault)
    let rows = recipe.training.microBatchSize ?? (1...largest).last { sequences % $0 == 0 } ?? 1
    guard sequences % rows == 0 else {
      throw .invalidSetting(
        location: nil, key: "training.micro_batch_size", found: "\(rows)",
        expected: "a divisor of the \(sequences) sequences of the global batch")
    }
    microBatch = rows
    accumulation = sequences / rows
    sequenceLength = T
  }
}
