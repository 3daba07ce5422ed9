import Files
import Foundation
import Testing

@testable import Evaluation

struct ComparisonTests {
  // MARK: - Numbers by hand

  private func floats(_ values: Double...) -> [MetricItem] { values.map(MetricItem.float) }

  @Test func pairedMeans() {
    // Differences 1, 0, 0, −1, 1: mean 0.2, sample variance 0.7.
    let paired = PairedDifference(floats(0, 1, 0, 1, 0), floats(1, 1, 0, 0, 1), .mean)
    #expect(abs(paired.value - 0.2) < 1e-15)
    #expect(abs((paired.standardError ?? 0) - (0.7 / 5).squareRoot()) < 1e-15)
    #expect(paired.documentCount == 5)
    // The same documents, the same answers: no doubt at all.
    #expect(PairedDifference(floats(0, 1), floats(0, 1), .mean).standardError == 0)
    #expect(PairedDifference(floats(0), floats(1), .mean).standardError == nil)
  }

  /// The delta method against small changes of the weights.
  @Test(arguments: [Aggregation.mean, .perplexity, .weightedPerplexity, .bitsPerByte])
  func influences(_ aggregation: Aggregation) {
    let values = [-3.0, -1.5, -2.25, -4]
    let counts = [4, 2, 3, 7]
    let isWeighted = aggregation == .weightedPerplexity || aggregation == .bitsPerByte
    let items = zip(values, counts).map { value, count -> MetricItem in
      isWeighted ? .counted(logLikelihood: value, count: count) : .float(value)
    }
    // One item a thousand and one times, the others a thousand times.
    let base = Array(repeating: items, count: 1000).flatMap { $0 }
    for (index, influence) in Statistics.influences(items, aggregation).enumerated() {
      let change =
        Statistics.aggregate(base + [items[index]], aggregation) - Statistics.aggregate(base, aggregation)
      #expect(abs(change * 4000 - influence) <= 2e-3 * abs(influence) + 1e-9)
    }
  }

  @Test func groupsOfPairs() {
    let parts = [
      PairedDifference(value: 0.5, standardError: 0.3, documentCount: 10),
      PairedDifference(value: -0.1, standardError: 0.1, documentCount: 30),
    ]
    let group = PairedDifference(parts, weights: [0.25, 0.75])
    #expect(abs(group.value - 0.05) < 1e-15 && group.documentCount == 40)
    #expect(abs((group.standardError ?? 0) - (0.075 * 0.075 * 2).squareRoot()) < 1e-15)
  }

  // MARK: - Files

  /// An evaluation as this program writes it.
  private func write(
    _ folder: TemporaryFolder, _ name: String, tasks: String = "piqa,lambada_openai,wikitext",
    scorer: ToyScorer = ToyScorer(), logsSamples: Bool = true, _ change: (inout EvaluationOptions) -> Void = { _ in }
  ) throws -> String {
    try folder.write(
      "data/piqa/validation.jsonl",
      (0..<12).map { #"{"goal": "g\#($0)", "sol1": "a\#($0 * 7)", "sol2": "b\#($0)", "label": \#($0 % 2)}"# }
        .joined(separator: "\n"))
    try folder.write(
      "data/piqa/train.jsonl",
      (0..<5).map {
        #"{"goal": "t\#($0)", "sol1": "x", "sol2": "y", "label": 0}"#
      }.joined(separator: "\n"))
    try folder.write(
      "data/lambada_openai/test.jsonl", (0..<9).map { #"{"text": "one two w\#($0)"}"# }.joined(separator: "\n"))
    try folder.write("data/wikitext/test.jsonl", "{\"page\": \"some text\"}\n{\"page\": \"other words here\"}")
    var options = EvaluationOptions()
    options.bootstrapIterations = 100
    options.keepsDocuments = true
    change(&options)
    let evaluator = try Evaluator(
      tokenizer: ByteTokenizer.make(), dataDirectory: folder.path + "/data", options: options)
    let result = try evaluator.evaluate(TaskCatalog.builtIn.select(tasks), scorer: scorer)
    let report = EvaluationReport(
      result, model: ModelDescription(name: name, dtype: "float32", device: "cpu", version: "test"))
    try report.write(to: "\(folder.path)/\(name)", logsSamples: logsSamples)
    return "\(folder.path)/\(name)"
  }

  private func compare(_ a: String, _ b: String) throws -> Comparison {
    try Comparison(RecordedResults(a), RecordedResults(b))
  }

  @Test func documentsArePaired() throws {
    let folder = try TemporaryFolder()
    let a = try write(folder, "a")
    // Another window: another model.
    let b = try write(folder, "b", scorer: ToyScorer(contextLength: 9))
    let comparison = try compare(a, b)
    #expect(comparison.notes.isEmpty, "\(comparison.notes)")
    #expect(
      comparison.rows.map { "\($0.task) \($0.metric)" } == [
        "lambada_openai acc", "lambada_openai perplexity", "piqa acc", "piqa acc_norm", "wikitext bits_per_byte",
        "wikitext byte_perplexity", "wikitext word_perplexity",
      ])
    #expect(comparison.rows.map(\.pairedCount) == [9, 9, 12, 12, 2, 2, 2])
    for row in comparison.rows {
      // Everything is paired, so the difference is that of the values.
      #expect(abs(row.difference - (row.b - row.a)) <= 1e-12 * max(1, abs(row.a)), "\(row.task) \(row.metric)")
      #expect(row.differenceError != nil)
    }
    let same = try compare(a, a)
    #expect(same.rows.allSatisfy { $0.difference == 0 && $0.differenceError == 0 && $0.standardErrors == nil })
    #expect(same.table.contains("| piqa "))
    #expect(comparison.json["rows"]?.array?.count == 7)
  }

  @Test func whatDiffersIsSaid() throws {
    let folder = try TemporaryFolder()
    let a = try write(folder, "a", tasks: "piqa,wikitext")
    let limited = try compare(a, write(folder, "b", tasks: "piqa,lambada_openai") { $0.limit = 5 })
    #expect(
      limited.notes == ["wikitext: only in A", "lambada_openai: only in B", "piqa: 12 documents in A, 5 in B"])
    #expect(limited.rows.map(\.pairedCount) == [5, 5])
    let other = try write(folder, "c", tasks: "piqa", scorer: ToyScorer(contextLength: 512)) { $0.fewShot = 2 }
    let shots = try compare(a, other)
    #expect(shots.notes == ["wikitext: only in A", "piqa: 12 of 12 prompts differ", "piqa: 0-shot in A, 2-shot in B"])
    let unpaired = try compare(a, write(folder, "d", tasks: "piqa,wikitext", logsSamples: false))
    #expect(unpaired.notes == ["piqa, wikitext: no samples in B (--log-samples), so not paired"])
    let row = try #require(unpaired.rows.first)
    let (first, second) = (try #require(row.aError), try #require(row.bError))
    #expect(row.pairedCount == nil && row.differenceError == (first * first + second * second).squareRoot())
    // Samples of some other run.
    try folder.write(
      "e/results.json",
      folder.read("d/results.json").replacing(/"acc_norm,none": [\d.]+/, with: "\"acc_norm,none\": 0.123"))
    try folder.write("e/samples_piqa.jsonl", folder.read("a/samples_piqa.jsonl"))
    #expect(
      try compare(a, folder.path + "/e").notes.contains(
        "piqa: acc_norm does not follow from the samples, so it is not paired"))
    // Other rows under the same numbers.
    try folder.write(
      "b/samples_piqa.jsonl",
      folder.read("b/samples_piqa.jsonl").replacing("\"doc_hash\": \"", with: "\"doc_hash\": \"x", maxReplacements: 2))
    #expect(
      try compare(a, folder.path + "/b").notes.contains("piqa: 2 documents are not the same in A and B"))
  }

  @Test func theHarnesssFilesAreFound() throws {
    let folder = try TemporaryFolder()
    let a = try write(folder, "a")
    let results = try folder.read("a/results.json")
    for time in ["2026-01-01T10-00-00.5", "2026-01-02T10-00-00.5"] {
      try folder.write("lm/model/results_\(time).json", results)
      try folder.write("lm/model/samples_piqa_\(time).jsonl", folder.read("a/samples_piqa.jsonl"))
    }
    let recorded = try RecordedResults(folder.path + "/lm")
    #expect(recorded.path == folder.path + "/lm/model/results_2026-01-02T10-00-00.5.json")
    #expect(
      recorded.samplesPath(of: "piqa") == folder.path + "/lm/model/samples_piqa_2026-01-02T10-00-00.5.jsonl")
    try folder.write("lm/model/samples_a__b_2026-01-02T10-00-00.5.jsonl", "")
    #expect(
      recorded.samplesPath(of: "a/b") == folder.path + "/lm/model/samples_a__b_2026-01-02T10-00-00.5.jsonl")
    #expect(recorded.samplesPath(of: "wikitext") == nil && recorded.samplesPath(of: "../model/x") == nil)
    #expect(try compare(a, folder.path + "/lm").rows.filter { $0.pairedCount != nil }.map(\.task) == ["piqa", "piqa"])
    try folder.write("lm/other/results_2026-01-01T10-00-00.5.json", results)
    #expect(throws: EvaluationError.self) { try RecordedResults(folder.path + "/lm") }
  }

  @Test func groupsArePairedThroughTheirTasks() throws {
    let folder = try TemporaryFolder()
    func sample(_ id: Int, _ acc: Int) -> String {
      #"{"doc_id": \#(id), "filter": "none", "metrics": ["acc"], "acc": \#(acc)}"#
    }
    func write(_ name: String, _ a: [Int], _ b: [Int], weighted: Bool) throws {
      func mean(_ values: [Int]) -> Double { Double(values.reduce(0, +)) / Double(values.count) }
      let group = weighted ? mean(a + b) : (mean(a) + mean(b)) / 2
      try folder.write(
        "\(name)/results.json",
        """
        {"results": {"a": {"acc,none": \(mean(a)), "acc_stderr,none": 0.1, "sample_len": \(a.count)},
          "b": {"acc,none": \(mean(b)), "acc_stderr,none": 0.1, "sample_len": \(b.count)},
          "g": {"alias": "G", "acc,none": \(group), "acc_stderr,none": 0.1}}, "group_subtasks": {"g": ["a", "b"]}}
        """)
      for (task, values) in [("a", a), ("b", b)] {
        try folder.write(
          "\(name)/samples_\(task).jsonl",
          values.enumerated().map { sample($0.offset, $0.element) }.joined(separator: "\n"))
      }
    }
    for weighted in [true, false] {
      try write("x", [0, 1, 0, 1], [0, 1], weighted: weighted)
      try write("y", [1, 1, 0, 1], [0, 0], weighted: weighted)
      let rows = try compare(folder.path + "/x", folder.path + "/y").rows
      #expect(rows.map(\.task) == ["g", "a", "b"] && rows.map(\.depth) == [0, 1, 1])
      let (group, a, b) = (rows[0], rows[1], rows[2])
      let (wa, wb) = weighted ? (4.0 / 6, 2.0 / 6) : (0.5, 0.5)
      let (ea, eb) = (try #require(a.differenceError), try #require(b.differenceError))
      #expect(group.pairedCount == 6 && abs(group.difference - (wa * 0.25 - wb * 0.5)) < 1e-15)
      #expect(abs((group.differenceError ?? 0) - (wa * wa * ea * ea + wb * wb * eb * eb).squareRoot()) < 1e-15)
    }
  }

  // MARK: - What anybody may have written

  @Test(arguments: [
    ("{", "not JSON"), ("[]", "key 'results'"), (#"{"results": 3}"#, "key 'results'"),
    (#"{"results": {"piqa": []}}"#, "key 'results.piqa'"),
    (#"{"results": {"other": {"acc,none": 1}}}"#, "no task in common"),
    (
      #"{"results": {"piqa": {"acc,none": NaN, "acc_stderr,none": []}}, "n-shot": 4, "versions": [],"#
        + #" "group_subtasks": {"piqa": ["piqa"], "g": ["g"]}}"#, "fine"
    ),
  ])
  func hostileResults(_ text: String, _ expected: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("good/results.json", #"{"results": {"piqa": {"acc,none": 0.5, "acc_stderr,none": 0.1}}}"#)
    try folder.write("bad/results.json", text)
    do {
      let comparison = try compare(folder.path + "/good", folder.path + "/bad")
      #expect(expected == "fine" && !comparison.table.isEmpty)
    } catch {
      #expect("\(error)".contains(expected) && "\(error)".contains("bad/results.json"), "\(error)")
    }
    #expect(throws: EvaluationError.self) { try RecordedResults(folder.path) }
  }

  /// A task of somebody's whose metric is a text does not make the others incomparable.
  @Test func valuesThatAreNoNumbers() throws {
    let folder = try TemporaryFolder()
    try folder.write("a/results.json", #"{"results": {"t": {"acc,none": 0.5}, "u": {"f1,none": 0.25}}}"#)
    try folder.write(
      "b/results.json", #"{"results": {"t": {"acc,none": 0.75, "f1,none": null}, "u": {"f1,none": "N/A"}}}"#)
    let comparison = try compare(folder.path + "/a", folder.path + "/b")
    #expect(comparison.rows.map(\.task) == ["t"])
    #expect(comparison.notes.contains("t, u: f1,none is not a number in B, so it is left out"), "\(comparison.notes)")
  }

  @Test func groupsThatAreNotShownDoNotIndent() throws {
    let folder = try TemporaryFolder()
    let values = #"{"acc,none": 0.5}"#
    try folder.write(
      "a/results.json",
      #"{"results": {"t": \#(values), "u": \#(values), "h": {}, "g": \#(values)},"#
        + #" "group_subtasks": {"g": ["h"], "h": ["t"], "x": ["u"]}}"#)
    let rows = try compare(folder.path + "/a", folder.path + "/a").rows
    #expect(rows.map(\.task) == ["g", "t", "u"] && rows.map(\.depth) == [0, 1, 0])
  }

  /// Deeper than a thread's stack, in a line and in a circle.
  @Test func groupsInGroupsInGroups() throws {
    let folder = try TemporaryFolder()
    func results(_ count: Int, _ end: String) -> String {
      let groups = (0..<count).map { #""g\#($0)": ["\#($0 + 1 < count ? "g\($0 + 1)" : end)"]"# }
      return #"{"results": {"t": {"acc,none": 0.5}}, "group_subtasks": {\#(groups.joined(separator: ", "))}}"#
    }
    try folder.write("deep/results.json", results(20_000, "t"))
    do {
      _ = try compare(folder.path + "/deep", folder.path + "/deep")
      Issue.record("accepted")
    } catch {
      #expect(
        "\(error)".contains("deep/results.json: key 'group_subtasks': 20000 groups lie in one another"), "\(error)")
    }
    let deep = try RecordedResults(folder.path + "/deep")
    #expect(ResultsOrder(groupSubtasks: deep.groupSubtasks, available: []).leaves(of: "g0") == ["t"])
    try folder.write("circle/results.json", results(20_000, "g0"))
    #expect(try compare(folder.path + "/circle", folder.path + "/circle").rows.map(\.task) == ["t"])
    try folder.write("fine/results.json", results(64, "t"))
    #expect(try compare(folder.path + "/fine", folder.path + "/fine").rows.map(\.task) == ["t"])
  }

  /// Names as long as a file may have, in more rows than would fit memory at that width.
  @Test func longNames() throws {
    let folder = try TemporaryFolder()
    let name = String(repeating: "n", count: 5000)
    try folder.write("a/results.json", #"{"results": {"t": {"alias": "\#(name)", "acc,none": 0.5}}}"#)
    let table = try compare(folder.path + "/a", folder.path + "/a").table
    #expect(table.contains("nnn…") && table.utf8.count < 2000)
  }

  /// Sums of what a file counts.
  @Test func countsBeyondIntegers() throws {
    let folder = try TemporaryFolder()
    let max = Int.max
    let task = #"{"acc,none": 0.5, "sample_len": \#(max)}"#
    try folder.write(
      "a/results.json",
      #"{"results": {"t": \#(task), "u": \#(task), "w": {"ppl,none": 1}, "g": {"acc,none": 0.5}},"#
        + #" "group_subtasks": {"g": ["t", "u"]}}"#)
    for task in ["t", "u"] {
      try folder.write(
        "a/samples_\(task).jsonl",
        (0..<2).map { #"{"doc_id": \#($0), "metrics": ["acc"], "acc": \#($0)}"# }.joined(separator: "\n"))
    }
    try folder.write(
      "a/samples_w.jsonl",
      (0..<2).map { #"{"doc_id": \#($0), "metrics": ["ppl"], "ppl": [-1, \#(max)]}"# }.joined(separator: "\n"))
    let rows = try compare(folder.path + "/a", folder.path + "/a").rows
    #expect(rows.map(\.task) == ["g", "t", "u", "w"] && rows.map(\.pairedCount) == [4, 2, 2, 2])
  }

  @Test(arguments: [
    ("[]", "expected a JSON object"), (#"{"doc_id": "1"}"#, "key 'doc_id'"),
    (#"{"doc_id": 1}"#, "key 'metrics'"), ("\n\n{", "samples_piqa.jsonl:3"),
    ("{\"doc_id\": 1, \"metrics\": []}\n{\"doc_id\": 1, \"metrics\": []}", "document 1 was there before"),
  ])
  func hostileSamples(_ text: String, _ expected: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("a/results.json", #"{"results": {"piqa": {"acc,none": 0.5}}}"#)
    try folder.write("a/samples_piqa.jsonl", text)
    do {
      _ = try compare(folder.path + "/a", folder.path + "/a")
      Issue.record("accepted")
    } catch { #expect("\(error)".contains(expected) && "\(error)".contains("samples_piqa.jsonl"), "\(error)") }
  }
}
