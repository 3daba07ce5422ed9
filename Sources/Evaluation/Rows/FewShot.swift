import Files

/// Chooses the few-shot examples of a task's rows, in document order, with the harness's generator and rules
/// (lm-evaluation-harness 0.4.13, `ContextSampler` and `FirstNSampler`).
///
/// The rules include a leak: a task whose pool is the evaluated split itself (lambada_openai) can show a row its own
/// answer. It is copied because the published numbers have it; `leaks` tells the caller to warn.
struct FewShotSampler {
  private let reader: DocumentReader
  private let choice: ExampleSource.Choice
  private let pool: [Row]
  private let count: Int
  private let dropsEvaluatedRow: Bool
  private var random: PythonRandom
  /// The texts of the pool's rows that were chosen so far.
  private var texts: [String?]
  /// The text before every row, where all have the same examples.
  private var common: String?

  /// - Parameters:
  ///   - pool: the rows to choose from, processed.
  ///   - path: the pool's file, for the message when it has too few rows.
  init(
    task: EvaluationTask, reader: DocumentReader, pool: [Row], path: String, count: Int, seed: Int
  ) throws(EvaluationError) {
    var rows = pool
    choice = task.examples.choice
    if choice == .random, let positions = task.examples.positions, !positions.isEmpty {
      guard positions.allSatisfy({ -pool.count..<pool.count ~= $0 }) else {
        throw .fewShotPool(task: task.name, path: path, needed: (positions.max() ?? 0) + 1, found: pool.count)
      }
      rows = positions.map { pool[$0 < 0 ? $0 + pool.count : $0] }
    }
    dropsEvaluatedRow = task.configuration.dropsEvaluatedRow
    let needed = count + (dropsEvaluatedRow && choice == .random ? 1 : 0)
    guard needed <= rows.count else {
      throw .fewShotPool(task: task.name, path: path, needed: needed, found: rows.count)
    }
    self.reader = reader
    self.pool = rows
    self.count = count
    random = PythonRandom(seed: seed)
    texts = Array(repeating: nil, count: rows.count)
  }

  /// Whether a row can be shown to itself: the pool is the evaluated split and nothing is dropped.
  static func leaks(_ task: EvaluationTask) -> Bool {
    let configuration = task.configuration
    return task.examples.rows == nil && configuration.poolSplit == configuration.evaluatedSplit
      && !configuration.dropsEvaluatedRow
  }

  /// The examples' text that goes before `row`.
  /// - Throws: `EvaluationError`.
  mutating func text(before row: Row) throws(EvaluationError) -> String {
    if let common { return common }
    var text = ""
    for index in try draw(for: row) {
      let example: String
      if let known = texts[index] { example = known } else { example = try reader.example(pool[index]) }
      texts[index] = example
      text += example
    }
    if choice == .first && !dropsEvaluatedRow { common = text }
    return text
  }

  /// Positions in the pool.
  private mutating func draw(for row: Row) throws(EvaluationError) -> [Int] {
    if choice == .first {
      guard dropsEvaluatedRow else { return Array(0..<count) }
      let first = pool.indices.lazy.filter { [pool] in !pool[$0].hasSameColumns(as: row) }.prefix(count)
      return try enough(Array(first), row)
    }
    guard dropsEvaluatedRow else { return random.sample(pool.count, count) }
    let drawn = random.sample(pool.count, count + 1).filter { !pool[$0].hasSameColumns(as: row) }.prefix(count)
    if drawn.count == count { return Array(drawn) }
    // More than one copy of the row was drawn: the harness draws again from a pool without it.
    let others = try enough(pool.indices.filter { !pool[$0].hasSameColumns(as: row) }, row)
    return random.sample(others.count, count).map { others[$0] }
  }

  private func enough(_ positions: [Int], _ row: Row) throws(EvaluationError) -> [Int] {
    guard count <= positions.count else {
      throw row.error(
        "\(count) few-shot examples are drawn from rows unlike this one, but there are \(positions.count)")
    }
    return positions
  }
}
