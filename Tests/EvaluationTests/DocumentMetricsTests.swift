import Files
import Testing

@testable import Evaluation

struct DocumentMetricsTests {
  private static let yaml = """
    task: t
    dataset_path: d
    output_type: multiple_choice
    test_split: test
    doc_to_text: q
    doc_to_target: gold
    doc_to_choice: choices
    metric_list:
      - metric: exact_match
      - metric: acc_bytes
      - metric: acc_norm
      - metric: acc
    """

  private func items(_ choices: String, _ scores: [Double], gold: String, greedy: [Int] = []) throws -> [Double] {
    let task = try task(Self.yaml)
    let document = try documents(task, [#"{"q": "q", "choices": \#(choices), "gold": \#(gold)}"#])[0]
    let scores = scores.enumerated().map { Score(logProbability: $1, isGreedy: greedy.contains($0)) }
    let items = task.items(of: document, scores: scores)
    // In the harness's order, whatever the YAML's.
    #expect(items.map(\.name) == ["acc", "acc_norm", "acc_bytes", "exact_match"])
    return items.map(\.item.value)
  }

  @Test func lengthsAreTheChoicesWithoutTheDelimiter() throws {
    // −6/2 < −8/4 though −6 > −8.
    #expect(try items(#"["ab", "abcd"]"#, [-6, -8], gold: "1") == [0, 1, 1, 0])
    // "é" in two code points has length 2 and three bytes.
    #expect(try items(#"["e\u0301", "é"]"#, [-4, -3], gold: "0") == [0, 1, 1, 0])
    #expect(try items(#"["ééé", "eeee"]"#, [-6, -6.9], gold: "0") == [1, 0, 1, 0])
    // An empty choice divides by zero and is never preferred.
    #expect(try items(#"["", "ab"]"#, [-1, -9], gold: "1") == [0, 1, 1, 0])
    #expect(try items(#"["a", "a"]"#, [-1, -1], gold: "1") == [0, 0, 0, 0])
  }

  @Test func goldIsAnIndexATextOrSeveral() throws {
    #expect(try items(#"["a", "b"]"#, [-2, -1], gold: "-1", greedy: [1]) == [0, 0, 0, 1])
    #expect(try items(#"["a", "b"]"#, [-2, -1], gold: "7") == [0, 0, 0, 0])
    #expect(try items(#"["a", "b"]"#, [-2, -1], gold: "true", greedy: [1]) == [1, 1, 1, 1])
    #expect(try items(#"["a", "b"]"#, [-2, -1], gold: #""b""#) == [1, 1, 1, 0])
    #expect(try items(#"["a", "b"]"#, [-2, -1], gold: #""c""#) == [0, 0, 0, 0])
    #expect(try items(#"["a", "b", "c"]"#, [-2, -1, -3], gold: "[2, 1, 9]", greedy: [2]) == [1, 1, 1, 1])
    #expect(try items(#"["a", "b", "c"]"#, [-2, -1, -3], gold: "[0, 2]", greedy: [1]) == [0, 0, 0, 0])
  }

  @Test func theFirstRowSaysWhetherThereAreSeveral() throws {
    let task = try task(Self.yaml)
    func row(_ gold: String) -> String { #"{"q": "q", "choices": ["a", "b"], "gold": \#(gold)}"# }
    #expect(
      complaint(task, row("[0]"), row("1"))
        == "data/t.jsonl:8: 'doc_to_target' gives the integer 1, expected a list of indices, as for the first row")
    #expect(
      complaint(task, row("1"), row("[0]"))
        == "data/t.jsonl:8: 'doc_to_target' gives a list, expected an index or the text of a choice")
    #expect(complaint(task, row("1.5")).hasSuffix("gives the number 1.5, expected an index or the text of a choice"))
  }

  @Test func logLikelihoodTasksHavePerplexityFirst() throws {
    let task = try task(
      """
      task: t
      output_type: loglikelihood
      test_split: test
      doc_to_text: "{{q}}"
      doc_to_target: " {{a}}"
      """)
    #expect(task.configuration.metrics == [.perplexity, .acc])
    let document = try documents(task, [#"{"q": "q", "a": 12}"#])[0]
    #expect(document.texts() == [["q", " 12"]])
    let items = task.items(of: document, scores: [Score(logProbability: -2, isGreedy: true)])
    #expect(items.map(\.item) == [.float(-2), .integer(1)])
  }
}
