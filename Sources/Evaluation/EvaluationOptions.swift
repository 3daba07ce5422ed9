/// How an evaluation is run.
public struct EvaluationOptions: Sendable {
  /// Rows per task: at least 1 is a number of rows, below 1 a fraction of them (rounded up); nil is all.
  public var limit: Double?
  /// Few-shot examples; nil is the tasks' own number, 0.
  public var fewShot: Int?
  /// Few-shot examples of single tasks, where they differ from `fewShot`.
  public var fewShotByTask: [String: Int] = [:]
  /// Seed of the few-shot draws.
  public var fewShotSeed = 1234
  /// Replicates behind the standard error of perplexities, which needs two; 0 turns all standard errors off.
  public var bootstrapIterations = 100_000
  public var bos = BOSPolicy.auto
  /// Whether documents with their texts, ids and scores are kept in the result, to be written by `--log-samples`.
  public var keepsDocuments = false

  public init() {}

  /// - Throws: `invalidLimit`, `invalidOption`.
  public func validate() throws(EvaluationError) {
    if let limit, !(limit > 0 && limit.isFinite) { throw .invalidLimit(limit) }
    if let fewShot = ([fewShot].compactMap { $0 } + fewShotByTask.values).first(where: { $0 < 0 }) {
      throw .invalidOption(name: "--num-fewshot", value: "\(fewShot)", expected: "0 or more")
    }
    // All replicates are in memory at once.
    if !(0...10_000_000).contains(bootstrapIterations) {
      throw .invalidOption(name: "--bootstrap-iters", value: "\(bootstrapIterations)", expected: "0 to 10000000")
    }
  }

  /// What was asked for a task; nil is the task's own number.
  func fewShot(of task: String) -> Int? { fewShotByTask[task] ?? fewShot }

  /// How many of a split's rows are scored.
  func count(of rows: Int) -> Int {
    guard let limit else { return rows }
    if limit < 1 { return min(rows, Int((Double(rows) * limit).rounded(.up))) }
    return limit >= Double(rows) ? rows : Int(limit)
  }
}

/// How far an evaluation is, over all its tasks. While rows are read all is 0.
public struct EvaluationProgress: Sendable, Equatable {
  /// Different requests that are scored, and how many there are.
  public var requests: Int
  public var requestCount: Int
  /// Tokens of these requests, a context that the choices of a question share counted once: a better measure of time.
  public var tokens: Int
  public var tokenCount: Int
}
