import Files
import Testing

@testable import Evaluation

/// What a task asks about rows.
func documents(_ task: EvaluationTask, _ lines: [String]) throws -> [TaskDocument] {
  let rows = try processed(task, lines)
  let reader = try DocumentReader(task, first: rows[0])
  return try rows.map { row in try reader.document(row) }
}

/// Rows of `data/t.jsonl` from line 7 on, after the task's own processing.
func processed(_ task: EvaluationTask, _ lines: [String]) throws -> [Row] {
  let rows = try lines.enumerated().map { index, line in
    Row(columns: try #require(try JSON(parsing: line).object), path: "data/t.jsonl", line: 7 + index)
  }
  guard case .rows(let process)? = task.rows?.body else { return rows }
  return try process(rows)
}

/// The complaint about a row.
func complaint(_ task: EvaluationTask, _ json: String...) -> String {
  do {
    _ = try documents(task, json)
    return "no error"
  } catch { return "\(error)" }
}

/// A task of YAML text; other texts are what it may include.
func task(_ yaml: String, including others: [String: String] = [:]) throws -> EvaluationTask {
  try EvaluationTask(definition(yaml, including: others))
}

func definition(_ yaml: String, including others: [String: String] = [:]) throws -> TaskDefinition {
  try TaskDefinition.read("t.yaml") { path in
    if path == "t.yaml" || path == "./t.yaml" { return yaml }
    return try #require(others[path.hasPrefix("./") ? String(path.dropFirst(2)) : path], "no \(path)")
  }
}

extension TaskDocument {
  /// Context and continuation of each request.
  func texts(delimiter: String = " ") -> [[String]] {
    switch question {
    case .multipleChoice(let text, let choices, _): choices.map { [text, delimiter + $0] }
    case .multipleInputs(let contexts, let target, _): contexts.map { [$0, delimiter + target] }
    case .logLikelihood(let text, let target): [[text, target]]
    case .rolling(let text, _, _): [[text]]
    }
  }

  var gold: Gold? {
    switch question {
    case .multipleChoice(_, _, let gold), .multipleInputs(_, _, let gold): gold
    case .logLikelihood, .rolling: nil
    }
  }
}
