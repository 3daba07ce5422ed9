import Files
import TestSupport
import Testing

@testable import Evaluation

/// A run of the harness kept under `shared/goldens`, with the rows and the tokenizer that it read.
struct ReferenceRun: Sendable, CustomTestStringConvertible {
  let name: String
  let folder: String
  let model: String
  let data: String
  var bos = BOSPolicy.auto
  var fewShot: Int?

  var testDescription: String { name }

  static let all: [ReferenceRun] = [
    fixture("gpt2-tiny-0shot", model: "gpt2-tiny"),
    fixture("llama-tiny-0shot", model: "llama-tiny"),
    fixture("llama-tiny-0shot-nobos", model: "llama-tiny", bos: .no),
    fixture("gpt2-tiny-1k-5shot", model: "gpt2-tiny-1k", fewShot: 5),
    fixture("llama-tiny-1k-5shot", model: "llama-tiny-1k", fewShot: 5),
    real("gpt2-random-0shot", model: "gpt2-random"),
    real("stories260K-0shot", model: "stories260K"),
    real("gpt2-random-5shot", model: "gpt2-random", fewShot: 5),
  ]

  private static func fixture(
    _ name: String, model: String, bos: BOSPolicy = .auto, fewShot: Int? = nil
  ) -> ReferenceRun {
    ReferenceRun(
      name: name, folder: Shared.path("goldens/eval-reference/\(name)"),
      model: Shared.path("goldens/eval-fixtures/models/\(model)"), data: Shared.path("goldens/eval-fixtures/data"),
      bos: bos, fewShot: fewShot)
  }

  private static func real(_ name: String, model: String, fewShot: Int? = nil) -> ReferenceRun {
    ReferenceRun(
      name: name, folder: Shared.path("goldens/eval-real/reference/\(name)"),
      model: Shared.path("goldens/eval-real/models/\(model)"), data: Shared.path("goldens/eval-real/data"),
      fewShot: fewShot)
  }

  /// The harness's results object.
  func results() throws -> JSON { try json(folder + "/results.json") }

  /// The harness's table.
  func table() throws -> String { try text(of: folder + "/table.md") }

  /// The lines of the harness's documents.jsonl.
  func documents() throws -> [JSON] { try jsonLines(folder + "/documents.jsonl") }

  /// The built-in tasks that the run has, in order of name.
  func tasks() throws -> [EvaluationTask] {
    let entries = try results()["results"]
    return try TaskCatalog.builtIn.taskNames.filter { entries?[$0] != nil }.map(TaskCatalog.builtIn.task)
  }

  /// Those tasks, and the run's groups.
  func selection() throws -> TaskSelection {
    let results = try results()
    let groups = (results["group_subtasks"]?.object ?? [:]).map { name, members in
      TaskGroup(
        name: name, members: (members.array ?? []).compactMap(\.string), metrics: [.init(metric: "acc")],
        version: results["versions"]?[name]?.string)
    }
    return TaskSelection(tasks: try tasks(), groups: groups)
  }
}
