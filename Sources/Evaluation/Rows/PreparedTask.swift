import Files

/// A task's documents, with the text that goes before each.
struct PreparedTask {
  var task: EvaluationTask
  /// The number of few-shot examples in force.
  var fewShot: Int
  /// Rows in the split, of which `documents` are the first.
  var originalCount: Int
  var documents: [(document: TaskDocument, prefix: String)]
}

extension Evaluator {
  /// Reads and checks a task's rows and draws their few-shot examples.
  /// - Throws: `EvaluationError`, `FileError`.
  func prepare(_ task: EvaluationTask) throws -> PreparedTask {
    let configuration = task.configuration
    let source = RowSource(task: task, directory: dataDirectory)
    let rows = try source.rows(of: configuration.evaluatedSplit, task.rows)
    let reader = try DocumentReader(task, first: rows[0])
    let count = configuration.fewShot(asked: options.fewShot(of: task.name))
    var sampler: FewShotSampler?
    if count > 0 && configuration.outputType != .rolling {
      let (pool, path) = try source.pool(evaluated: rows)
      sampler = try FewShotSampler(
        task: task, reader: reader, pool: pool, path: path, count: count, seed: options.fewShotSeed)
    }
    var prefix = ""
    let documents = try rows.prefix(options.count(of: rows.count)).map { row in
      // The harness makes a rolling text's context too, and does not use it.
      if configuration.outputType != .rolling {
        let next = try reader.description(row) + (sampler?.text(before: row) ?? "")
        // Rows with the same text before them share its memory.
        if !next.utf8.elementsEqual(prefix.utf8) { prefix = next }
      }
      return (document: try reader.document(row), prefix: prefix)
    }
    return PreparedTask(task: task, fewShot: count, originalCount: rows.count, documents: documents)
  }
}

/// Where a task's rows are.
struct RowSource {
  let task: EvaluationTask
  /// Holds `<task>/<split>.jsonl`.
  let directory: String

  /// The rows of a split after the task's own processing; never empty.
  /// - Throws: `EvaluationError`, `FileError`.
  func rows(of split: String, _ processing: TaskFunction?) throws -> [Row] {
    let paths =
      try task.files[split]
      ?? [RowFile.locate(directory: directory, task: task.name, split: split)]
    let rows = try paths.flatMap { try RowFile.read($0) }
    guard case .rows(let process)? = processing?.body else { return rows }
    let processed = try process(rows)
    guard !processed.isEmpty else {
      throw EvaluationError.row(
        path: paths[0], line: rows[0].line,
        reason: "none of the \(rows.count) rows is one of task '\(task.name)' after \(processing?.name ?? "")")
    }
    return processed
  }

  /// The rows that few-shot examples come from, and where they are.
  /// - Parameter evaluated: the rows of the evaluated split, which may be the pool too.
  func pool(evaluated: [Row]) throws -> (rows: [Row], path: String) {
    let configuration = task.configuration
    if let rows = task.examples.rows { return (rows, rows.first?.path ?? task.name) }
    let split = configuration.poolSplit
    let path = task.files[split]?.first ?? RowFile.path(directory: directory, task: task.name, split: split)
    let processing = configuration.fewShotSplit == nil ? task.rows : task.examples.processing
    if split == configuration.evaluatedSplit && processing?.name == task.rows?.name { return (evaluated, path) }
    return (try rows(of: split, processing), path)
  }
}
