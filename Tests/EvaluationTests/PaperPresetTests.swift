import Files
import Testing

@testable import Evaluation

struct PaperPresetTests {
  private static let mmlu = ["mmlu_anatomy", "mmlu_virology"]

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    func rows(_ count: Int, _ text: (Int) -> String) -> String { (0..<count).map(text).joined(separator: "\n") }
    try folder.write(
      "piqa/validation.jsonl", rows(4) { #"{"goal": "g\#($0)", "sol1": "a", "sol2": "b", "label": \#($0 % 2)}"# })
    for (index, subject) in Self.mmlu.enumerated() {
      func question(_ id: Int) -> String {
        #"{"question": "q\#(id)", "choices": ["w", "x", "y", "z"], "answer": \#(id % 4), "subject": "\#(subject)"}"#
      }
      try folder.write("\(subject)/dev.jsonl", rows(5, question))
      try folder.write("\(subject)/test.jsonl", rows(3 + 4 * index, question))
    }
    return folder
  }

  private func run(_ list: String) throws -> (PaperPreset, EvaluationResult) {
    let selection = try TaskCatalog.builtIn.select(list)
    let preset = try PaperPreset(selection, catalog: .builtIn)
    var options = EvaluationOptions()
    options.fewShot = 3
    let folder = try folder()
    let evaluator = try Evaluator(
      tokenizer: ByteTokenizer.make(), dataDirectory: folder.path, options: preset.applied(to: options))
    return (preset, try evaluator.evaluate(selection, scorer: ToyScorer(contextLength: 512)))
  }

  @Test func conditionsAreThePapers() throws {
    let (preset, result) = try run("piqa,mmlu_anatomy,mmlu_virology")
    #expect(result.options.bos == .no && !result.addsBOS)
    #expect(result.tasks.map(\.fewShot) == [5, 5, 0])
    let cells = preset.cells(result)
    #expect(cells.map(\.column.title) == ["PIQA", "MMLU (5)"])
    // Every subject counts once, however many rows it has.
    let values = result.tasks.compactMap { $0[metric: "acc"] }
    #expect(cells[1].cell?.value == (values[0].value + values[1].value) / 2 && cells[1].cell?.taskCount == 2)
    let (first, second) = (try #require(values[0].standardError), try #require(values[1].standardError))
    #expect(cells[1].cell?.standardError == (first * first + second * second).squareRoot() / 2)
    #expect(cells[0].cell?.value == values[2].value)
  }

  @Test func table() throws {
    let (preset, result) = try run("piqa,mmlu_anatomy")
    let lines = preset.table(result, model: "mine").split(separator: "\n").map(String.init)
    #expect(lines[0].replacing(/\ +/, with: " ") == "| Model | PIQA | MMLU (5) |")
    #expect(lines[2].hasPrefix("| mine ") && lines[3].hasPrefix("| ± standard error"))
    #expect(lines.contains { $0.replacing(/\ +/, with: " ") == "| Inheritune-1.5B (1B) | 56.47 | 25.67 |" })
    #expect(lines.contains { $0.replacing(/\ +/, with: " ") == "| OpenLLaMA-3B (1T) | 74.97 | 27.21 |" })
    #expect(lines.contains { $0.contains("mean over 1 of 57 subjects") })
    let report = EvaluationReport(
      result, model: ModelDescription(name: "mine", dtype: "float32", device: "cpu", version: "1"), preset: preset)
    let folder = try TemporaryFolder()
    try report.write(to: folder.path, logsSamples: false)
    #expect(try folder.read("paper.md") == preset.table(result, model: "mine"))
    #expect(try json(folder.path + "/results.json")["inheritune"]?["preset"]?["columns"]?["PIQA"]?["value"] != nil)
    // Gone when an evaluation without the preset takes the folder.
    try EvaluationReport(result, model: report.model).write(to: folder.path, logsSamples: false)
    #expect(throws: FileError.self) { try folder.read("paper.md") }
  }

  @Test func everyColumnHasATask() throws {
    let selection = try TaskCatalog.builtIn.select(PaperPreset.taskList)
    #expect(selection.tasks.count == 9 + 57)
    _ = try PaperPreset(selection, catalog: .builtIn)
    let ours = [50.96, 56.47, 61.68, 51.69, 25.19, 25.67, 43.66, 49.41, 34.42, 48.61]
    for (column, value) in zip(PaperPreset.columns, ours) {
      #expect(PublishedResults.rows[0].percent[column.title] == value)
    }
    #expect(PublishedResults.rows.allSatisfy { $0.percent.count == 10 })
    #expect(throws: EvaluationError.self) {
      try PaperPreset(TaskCatalog.builtIn.select("piqa,arc_easy"), catalog: .builtIn)
    }
  }

  @Test func allMissingFoldersAreNamed() throws {
    let folder = try folder()
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path)
    let scorer = ToyScorer()
    do {
      _ = try evaluator.evaluate(TaskCatalog.builtIn.select("piqa,wsc,logiqa,mmlu_anatomy"), scorer: scorer)
      Issue.record("accepted")
    } catch {
      #expect(
        "\(error)" == "\(folder.path): no folder for 2 tasks: logiqa, wsc; scripts/export_eval_data.py writes them, "
          + "and --tasks leaves tasks out")
    }
    #expect(scorer.calls == 0)
  }
}
