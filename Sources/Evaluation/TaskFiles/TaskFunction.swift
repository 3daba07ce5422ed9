import Templates

/// What a task file names with `!function module.name`: Python next to the harness's YAML. It cannot be run from here,
/// so the functions of the harness's own tasks are written anew, one file a task under `Functions/`.
struct TaskFunction: Sendable {
  enum Body: Sendable {
    /// `process_docs`: all rows of a split to those that the task works on.
    case rows(@Sendable ([Row]) throws(EvaluationError) -> [Row])
    /// `doc_to_text`, `doc_to_target`, `doc_to_choice`: a row to a value.
    case value(@Sendable (Row) throws(EvaluationError) -> PythonValue)
    /// `process_results`: a row and its number of requests to what their scores make of these metrics, in their order.
    /// What is wrong with a row is said before anything is scored.
    case results(metrics: [String], @Sendable (Row, _ requests: Int) throws(EvaluationError) -> ResultItems)
  }

  /// A document's metric values from the scores of its requests.
  typealias ResultItems = @Sendable ([Score]) -> [MetricItem]

  /// `module.name`
  let name: String
  /// The `dataset_path`s whose rows it reads. Modules of one name stand next to many tasks and have functions of the
  /// same names, so that the name alone does not say which is meant.
  let datasets: [String]
  let body: Body

  init(_ name: String, of datasets: [String], _ body: Body) {
    self.name = name
    self.datasets = datasets
    self.body = body
  }

  /// A `process_docs` that goes row by row.
  static func map(
    _ name: String, of datasets: [String], _ change: @escaping @Sendable (inout Row) throws(EvaluationError) -> Void
  ) -> TaskFunction {
    TaskFunction(
      name, of: datasets,
      .rows { rows throws(EvaluationError) in
        var rows = rows
        for index in rows.indices { try change(&rows[index]) }
        return rows
      })
  }

  /// A `process_docs` that keeps some rows.
  static func filter(
    _ name: String, of datasets: [String], _ keeps: @escaping @Sendable (Row) throws(EvaluationError) -> Bool
  ) -> TaskFunction {
    TaskFunction(
      name, of: datasets,
      .rows { rows throws(EvaluationError) in
        var kept: [Row] = []
        for row in rows where try keeps(row) { kept.append(row) }
        return kept
      })
  }

  /// A function of one row.
  static func value(
    _ name: String, of datasets: [String], _ value: @escaping @Sendable (Row) throws(EvaluationError) -> PythonValue
  ) -> TaskFunction {
    TaskFunction(name, of: datasets, .value(value))
  }

  /// All functions that there are.
  private static let all: [String: [TaskFunction]] = Dictionary(
    grouping: [
      hellaSwag, winoGrande, wsc273, wsc, logiQA, mnli, copa, race, wikiText, truthfulQA, multilingualTruthfulQA,
      multilingualARC, multilingualMMLU, letteredMMLU, regionalExams, filters, crowSPairs, agiEval,
    ].flatMap { $0 }, by: \.name)

  /// The function that a task file names.
  /// - Throws: `EvaluationError.taskFile` at `location` if there is none, with what there is.
  static func named(_ name: String, dataset: String?, location: String) throws(EvaluationError) -> TaskFunction {
    let dataset = dataset ?? ""
    if let function = all[name]?.first(where: { $0.datasets.contains(dataset) }) { return function }
    let functions = all.values.flatMap { $0 }
    let known = Set(functions.filter { $0.datasets.contains(dataset) }.map(\.name)).sorted()
    // The data sets of this name first: whoever renamed one looks for it.
    let others = Set((all[name] ?? functions).flatMap(\.datasets)).sorted()
    throw .taskFile(
      location: location,
      reason: "!function \(name) is Python, which is not run; of the functions that are built in instead "
        + (known.isEmpty
          ? "none is for dataset_path '\(dataset)', only for \(others.shortList)"
          : "those for dataset_path '\(dataset)' are \(known.shortList)"))
  }
}
