import Files
import TestSupport
import Testing

@testable import Evaluation

/// The texts of requests on real rows, against texts whose hashes are the ones that the harness's own tests had (older
/// versions of these tasks, whose prompts are today's but for what is said here).
@Suite(.enabled(if: Shared.isAvailable, "needs shared/"))
struct RequestTextTests {
  @Test func textsAreTheHarnesss() throws {
    var compared: [String: Int] = [:]
    var files: [String: [Row]] = [:]
    for expected in try jsonLines(Shared.path("goldens/lm-eval-requests.jsonl")) {
      let version = try #require(expected["task"]?.string)
      let name = String(version.split(separator: "-")[0])
      let path = Shared.path("data/\(try #require(expected["file"]?.string))")
      let rows = try files[path] ?? RowFile.read(path)
      files[path] = rows
      let row = rows[try #require(expected["row"]?.integer)]
      let requests = try #require(expected["requests"]?.array).map { $0.array?.compactMap(\.string) ?? [] }
      #expect(try texts(name, row) == requests, "\(version) \(row.line)")
      compared[name, default: 0] += 1
    }
    #expect(compared.count == 15 && compared.values.allSatisfy { $0 == 20 })
  }

  private func texts(_ name: String, _ row: Row) throws -> [[String]] {
    func texts(_ name: String) throws -> [[String]] {
      let task = try TaskCatalog.builtIn.task(name)
      var rows = [row]
      if case .rows(let process)? = task.rows?.body { rows = try process(rows) }
      return try DocumentReader(task, first: rows[0]).document(rows[0]).texts()
    }
    switch name {
    // Asked the other choice first.
    case "boolq", "wnli", "wsc": return try texts(name).reversed()
    // Continued with one blank, where there are two today.
    case "copa", "wsc273": return try texts(name).map { [$0[0], String($0[1].dropFirst())] }
    // One task for both kinds of answers.
    case "truthfulqa_mc": return try texts("truthfulqa_mc1") + texts("truthfulqa_mc2")
    default: return try texts(name)
    }
  }
}
