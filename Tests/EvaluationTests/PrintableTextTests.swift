import Files
import Testing

@testable import Evaluation

/// Names out of files neither break lines nor command the terminal.
struct PrintableTextTests {
  private static let name = "a\u{1B}[31m\nb\u{9B}c"

  private func expectOneLine(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(
      !text.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(text)",
      sourceLocation: sourceLocation)
    #expect(text.contains(#"a\u{1B}[31m\nb\u{009B}c"#), "\(text)", sourceLocation: sourceLocation)
  }

  @Test func messages() {
    let name = Self.name
    for error in [
      EvaluationError.unknownTask(name: name, near: [name]),
      .missingTaskFolder(task: name, path: name, present: [name]),
      .resultsFile(path: "x", reason: "key '\(name)'"), .noResults(path: "x", candidates: [name]),
      .sameSamplesFile(name: name, tasks: [name, name]), .row(path: name, line: 1, reason: name),
    ] { expectOneLine("\(error)") }
    #expect("é\u{200D}漢".oneLine.unicodeScalars.elementsEqual("é\u{200D}漢".unicodeScalars))
  }

  @Test func listing() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "t.yaml",
      #"{task: "a\e[31m\nb\x9Bc", output_type: multiple_choice, test_split: test, doc_to_text: q, doc_to_target: 0,"#
        + " doc_to_choice: [x, y], metric_list: [{metric: acc}]}")
    let catalog = try TaskCatalog.builtIn.adding(files: [folder.path + "/t.yaml"])
    let lines = try catalog.listing().split(separator: "\n").map(String.init)
    expectOneLine(try #require(lines.first { $0.hasPrefix("a\\u{1B}") }))
  }

  @Test func table() throws {
    let results = JSON.object([
      "results": .object(["t": .object(["alias": .string(Self.name), "acc,none": .number(0.5)])])
    ])
    let lines = ResultsTable(results).text.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    expectOneLine(lines[2])
  }
}
