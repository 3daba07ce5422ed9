import Files

/// Draws the few-shot examples of a task, row by row in document order, with the harness's generator and rules
/// (lm-evaluation-harness 0.4.13, `ContextSampler`).
///
/// The rules include a leak: a task whose pool is the evaluated split itself (lambada_openai) can show a row its own
/// answer. It is copied because the published numbers have it; `leaks` tells the caller to warn.
struct FewShotSampler {
  private let task: any EvaluationTask
  private let pool: [Row]
  private let count: Int
  private var random: PythonRandom
  /// Whether the evaluated row is dropped from its own examples. The harness does so when the few-shot split's name
  /// equals the test split's; no task here names a few-shot split, so that is when neither is named.
  private let dropsEvaluatedRow: Bool

  /// - Parameter path: the pool's file, for the message when it has too few rows.
  init(task: any EvaluationTask, pool: [Row], path: String, count: Int, seed: Int) throws(EvaluationError) {
    let configuration = task.configuration
    dropsEvaluatedRow = configuration.testSplit == nil
    let needed = count + (dropsEvaluatedRow ? 1 : 0)
    guard needed <= pool.count else {
      throw .fewShotPool(task: task.name, path: path, needed: needed, found: pool.count)
    }
    self.task = task
    self.pool = pool
    self.count = count
    random = PythonRandom(seed: seed)
  }

  /// Whether a row can be shown to itself: the pool is the evaluated split and nothing is dropped.
  static func leaks(_ configuration: TaskConfiguration) -> Bool {
    configuration.poolSplit == configuration.evaluatedSplit && configuration.testSplit != nil
  }

  /// The examples' text that goes before `row`.
  mutating func text(before row: Row) throws(EvaluationError) -> String {
    var text = ""
    for example in try draw(for: row) { text += Self.text(of: try task.document(example), task.configuration) }
    return text
  }

  private mutating func draw(for row: Row) throws(EvaluationError) -> [Row] {
    guard dropsEvaluatedRow else { return random.sample(pool.count, count).map { pool[$0] } }
    var drawn = Array(
      random.sample(pool.count, count + 1).map { pool[$0] }.filter { !Self.same($0, row) }.prefix(count))
    if drawn.count < count {
      // More than one copy of the row was drawn: the harness draws again from a pool without it.
      let others = pool.filter { !Self.same($0, row) }
      guard count <= others.count else {
        throw .fewShotPool(task: task.name, path: row.path, needed: count, found: others.count)
      }
      drawn = random.sample(others.count, count).map { others[$0] }
    }
    return drawn
  }

  /// Whether two rows are equal as Python's dictionaries are.
  private static func same(_ a: Row, _ b: Row) -> Bool {
    (a.path == b.path && a.line == b.line)
      || JSON.object(a.columns).serialized(sortKeys: true).utf8.elementsEqual(
        JSON.object(b.columns).serialized(sortKeys: true).utf8)
  }

  /// text + delimiter + answer + blank line
  private static func text(of document: TaskDocument, _ configuration: TaskConfiguration) -> String {
    let text: String
    let answer: String
    switch document.question {
    case .multipleChoice(let question, let choices, let gold):
      text = question
      answer = choices.indices.contains(gold) ? choices[gold] : ""
    case .multipleInputs(let contexts, let target, let gold):
      text = contexts[gold]
      answer = target
    case .logLikelihood(let context, let target):
      text = context
      answer = target
    case .rolling:
      return ""
    }
    return text + configuration.targetDelimiter + answer + configuration.fewShotDelimiter
  }
}
