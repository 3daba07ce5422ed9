import Files

/// The conditions behind the main table of Inheritune (arXiv 2404.08634): ten columns, 0-shot but for 5-shot MMLU, no BOS
/// before texts, MMLU as the plain mean over its subjects.
///
/// The paper's numbers were made in 2023 with lit-gpt's adapter over lm-evaluation-harness v0.3, in 16-bit arithmetic
/// (https://github.com/sanyalsunny111/LLM-Inheritune, lit-gpt/eval). What differs from the harness of today by the
/// prompts' versions alone stays as today.
public struct PaperPreset: Sendable {
  /// A column of the table: a metric of a task, or its mean over the tasks of a group.
  public struct Column: Sendable {
    public var title: String
    /// A task, or the group whose tasks are averaged.
    public var task: String
    public var metric: String
    public var fewShot: Int
  }

  public static let name = "paper"

  /// In the paper's order. "Winograd" is SuperGLUE's wsc, TruthfulQA is MC2.
  public static let columns = [
    Column(title: "Winograd", task: "wsc", metric: "acc", fewShot: 0),
    Column(title: "PIQA", task: "piqa", metric: "acc", fewShot: 0),
    Column(title: "BoolQ", task: "boolq", metric: "acc", fewShot: 0),
    Column(title: "WinoGrande", task: "winogrande", metric: "acc", fewShot: 0),
    Column(title: "LogiQA", task: "logiqa", metric: "acc_norm", fewShot: 0),
    Column(title: "MMLU (5)", task: "mmlu", metric: "acc", fewShot: 5),
    Column(title: "WNLI", task: "wnli", metric: "acc", fewShot: 0),
    Column(title: "QNLI", task: "qnli", metric: "acc", fewShot: 0),
    Column(title: "MNLI", task: "mnli", metric: "acc", fewShot: 0),
    Column(title: "TruthfulQA", task: "truthfulqa_mc2", metric: "acc", fewShot: 0),
  ]

  /// The tasks of all columns, as `TaskCatalog.select` takes them.
  public static let taskList = columns.map(\.task).joined(separator: ",")

  /// The tasks of each column that were chosen.
  private let chosen: [(column: Column, tasks: [String])]

  /// - Parameters:
  ///   - tasks: what was chosen of the preset's tasks.
  ///   - catalog: where the groups are defined.
  /// - Throws: `EvaluationError.notInPreset` for a task of no column, and what `select` throws.
  public init(_ tasks: TaskSelection, catalog: TaskCatalog) throws {
    let names = tasks.tasks.map(\.name)
    chosen = try Self.columns.map { column in
      let own = Set(try catalog.select(column.task).tasks.map(\.name))
      return (column, names.filter(own.contains))
    }
    let known = Set(chosen.flatMap(\.tasks))
    if let other = names.first(where: { !known.contains($0) }) {
      throw EvaluationError.notInPreset(task: other, tasks: Self.columns.map(\.task))
    }
  }

  /// The options with the preset's conditions.
  public func applied(to options: EvaluationOptions) -> EvaluationOptions {
    var options = options
    options.bos = .no
    options.fewShot = 0
    for (column, tasks) in chosen where column.fewShot > 0 {
      for task in tasks { options.fewShotByTask[task] = column.fewShot }
    }
    return options
  }

  /// A measured cell.
  struct Cell {
    /// A fraction, as the harness reports it.
    var value: Double
    var standardError: Double?
    /// Tasks it is the mean of.
    var taskCount: Int
  }

  /// The chosen columns with what was measured; nil where a task has no such metric.
  func cells(_ result: EvaluationResult) -> [(column: Column, cell: Cell?)] {
    chosen.filter { !$0.tasks.isEmpty }.map { column, tasks in
      let metrics = tasks.compactMap { result[task: $0]?[metric: column.metric] }
      guard !metrics.isEmpty else { return (column, nil) }
      let errors = metrics.compactMap(\.standardError)
      return (
        column,
        Cell(
          value: Statistics.groupMean(metrics.map(\.value), sizes: nil),
          standardError: errors.count == metrics.count ? Statistics.meanError(errors) : nil, taskCount: metrics.count)
      )
    }
  }

  /// The paper's table in percent: the model's row, its standard errors, and the published rows. Markdown, with a
  /// newline after every line.
  public func table(_ result: EvaluationResult, model: String) -> String {
    let cells = cells(result)
    func percent(_ value: Double?) -> String { value.map { MarkdownTable.decimal(100 * $0, places: 2) } ?? "" }
    let own = [model] + cells.map { percent($0.cell?.value) }
    let errors = ["± standard error"] + cells.map { percent($0.cell?.standardError) }
    let published = PublishedResults.rows.map { row in
      [row.model]
        + cells.map { cell in
          row.percent[cell.column.title].map { MarkdownTable.decimal($0, places: 2) } ?? ""
        }
    }
    let table = TextTable(headers: ["Model"] + cells.map(\.column.title), rows: [own, errors] + published)
    return table.text + "\nPercent. Below this model: \(PublishedResults.source).\n"
      + notes(result).map { "\nNote: \($0).\n" }.joined()
  }

  /// What a reader of the table should know.
  private func notes(_ result: EvaluationResult) -> [String] {
    var notes: [String] = []
    if let limit = result.options.limit {
      notes.append("only some of the rows were scored (--limit \(MarkdownTable.decimal(limit, places: 2)))")
    }
    for (column, tasks) in chosen where column.task == "mmlu" && !tasks.isEmpty && tasks.count < 57 {
      notes.append("\(column.title) is the mean over \(tasks.count) of 57 subjects")
    }
    return notes
  }

  /// For results.json: the conditions and the columns' values, as fractions.
  func json(_ result: EvaluationResult) -> JSONObject {
    var columns = JSONObject()
    for (column, cell) in cells(result) {
      columns[column.title] = .object([
        "task": .string(column.task), "metric": .string(column.metric), "num_fewshot": .integer(Int64(column.fewShot)),
        "value": cell.map { .number($0.value) } ?? .null,
        "stderr": cell?.standardError.map(JSON.number) ?? .null,
      ])
    }
    return ["name": .string(Self.name), "columns": .object(columns)]
  }
}
