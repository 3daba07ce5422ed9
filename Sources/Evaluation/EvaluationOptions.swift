/// How an evaluation is run.
public struct EvaluationOptions: Sendable {
  /// Rows per task: at least 1 is a number of rows, below 1 a fraction of them (rounded up); nil is all.
  public var limit: Double?
  /// Few-shot examples; nil is the tasks' own number, 0.
  public var fewShot: Int?
  /// Seed of the few-shot draws.
  public var fewShotSeed = 1234
  /// Replicates behind the standard error of perplexities; 0 turns all standard errors off.
  public var bootstrapIterations = 100_000
  public var bos = BOSPolicy.auto
  /// Whether documents with their texts, ids and scores are kept in the result, to be written by `--log-samples`.
  public var keepsDocuments = false

  public init() {}

  /// - Throws: `invalidLimit`, `invalidOption`.
  public func validate() throws(EvaluationError) {
    if let limit, !(limit > 0 && limit.isFinite) { throw .invalidLimit(limit) }
    if let fewShot, fewShot < 0 {
      throw .invalidOption(name: "--num-fewshot", value: "\(fewShot)", expected: "0 or more")
    }
    if bootstrapIterations < 0 {
      throw .invalidOption(name: "--bootstrap-iters", value: "\(bootstrapIterations)", expected: "0 or more")
    }
  }

  /// How many of a split's rows are scored.
  func count(of rows: Int) -> Int {
    guard let limit else { return rows }
    if limit < 1 { return min(rows, Int((Double(rows) * limit).rounded(.up))) }
    return limit >= Double(rows) ? rows : Int(limit)
  }
}

/// How far an evaluation is.
public struct EvaluationProgress: Sendable {
  public var task: String
  /// From 1.
  public var taskNumber: Int
  public var taskCount: Int
  /// Requests of this task that are scored, of all its different ones.
  public var done: Int
  public var total: Int
}
