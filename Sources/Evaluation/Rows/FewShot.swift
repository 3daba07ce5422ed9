import Files
import Templates

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
  /// Where each row of the pool stands in it, copies together; made when the first row needs it.
  private var places: [PythonDictionary: [Int]]?

  /// - Parameters:
  ///   - pool: the rows to choose from, processed.
  ///   - path: the pool's file, for the message when it has too few rows.
  init(
    task: EvaluationTask, reader: DocumentReader, pool: [Row], path: String, count: Int, seed: Int
  ) throws(EvaluationError) {
    choice = task.examples.choice
    dropsEvaluatedRow = task.configuration.dropsEvaluatedRow
    // One more is drawn, in case the row itself is among them.
    let more = dropsEvaluatedRow && choice == .random ? 1 : 0
    guard count <= pool.count - more else {
      // The sum of a number that somebody typed may not fit.
      throw .fewShotPool(task: task.name, path: path, needed: max(count, count &+ more), found: pool.count)
    }
    self.reader = reader
    self.pool = pool
    self.count = count
    random = PythonRandom(seed: seed)
    texts = Array(repeating: nil, count: pool.count)
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
    switch choice {
    case .first:
      guard dropsEvaluatedRow else { return Array(0..<count) }
      let copies = try copies(of: row)
      return (0..<count).map { Self.position($0, without: copies) }
    case .random:
      guard dropsEvaluatedRow else { return random.sample(pool.count, count) }
      let drawn = random.sample(pool.count, count + 1).filter { !pool[$0].hasSameColumns(as: row) }.prefix(count)
      if drawn.count == count { return Array(drawn) }
      // More than one copy of the row was drawn: the harness draws again from a pool without it.
      let copies = try copies(of: row)
      return random.sample(pool.count - copies.count, count).map { Self.position($0, without: copies) }
    }
  }

  /// Where rows like this one stand in the pool, in order.
  /// - Throws: if the others are too few.
  private mutating func copies(of row: Row) throws(EvaluationError) -> [Int] {
    let places = places ?? Dictionary(grouping: pool.indices) { [pool] in pool[$0].columns }
    self.places = places
    let copies = places[row.columns] ?? []
    let others = pool.count - copies.count
    guard count <= others else {
      throw row.error("\(count) few-shot examples are drawn from rows unlike this one, but there are \(others)")
    }
    return copies
  }

  /// The position in the pool of the `index`-th row that is no copy.
  static func position(_ index: Int, without copies: [Int]) -> Int {
    // Before the copy at `copies[i]` are `copies[i] - i` others.
    var lower = 0
    var upper = copies.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if copies[middle] - middle <= index { lower = middle + 1 } else { upper = middle }
    }
    return index + lower
  }
}
