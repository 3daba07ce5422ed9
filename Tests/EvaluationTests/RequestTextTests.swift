import Files
import TestSupport
import Testing

@testable import Evaluation

/// The texts of requests on real rows, against texts whose hashes are the ones that the harness's own tests had (its versions
/// 0 and 1 of these tasks, whose prompts are today's).
@Suite(.enabled(if: Shared.isAvailable, "needs shared/"))
struct RequestTextTests {
  @Test func textsAreTheHarnesss() throws {
    var compared: [String: Int] = [:]
    for expected in try jsonLines(Shared.path("goldens/lm-eval-requests.jsonl")) {
      let name = try #require(expected["task"]?.string).split(separator: "-")[0]
      guard let task = TaskCatalog.builtIn.tasks.first(where: { $0.name == name }) else { continue }
      let path = Shared.path("data/\(try #require(expected["file"]?.string))")
      let row = try RowFile.read(path)[try #require(expected["row"]?.integer)]
      var found = Self.texts(try task.document(row), delimiter: task.configuration.targetDelimiter)
      if name == "boolq" { found.reverse() }  // its version 1 asked " yes" before " no"
      #expect(
        found == expected["requests"]?.array?.compactMap { $0.array?.compactMap(\.string) }, "\(name) \(row.line)")
      compared[String(name), default: 0] += 1
    }
    #expect(compared.count >= 8 && compared.values.allSatisfy { $0 == 20 })
  }

  private static func texts(_ document: TaskDocument, delimiter: String) -> [[String]] {
    switch document.question {
    case .multipleChoice(let text, let choices, _): choices.map { [text, delimiter + $0] }
    case .multipleInputs(let contexts, let target, _): contexts.map { [$0, delimiter + target] }
    case .logLikelihood(let text, let target): [[text, target]]
    case .rolling(let text, _, _): [[text]]
    }
  }
}
