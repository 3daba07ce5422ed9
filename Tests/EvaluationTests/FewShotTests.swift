import Files
import Testing

@testable import Evaluation

/// Which rows become examples. Draws were made with lm_eval 0.4.13 and Python's generator.
struct FewShotTests {
  private func prefixes(_ more: String, _ files: [String: [Int]], count: Int) throws -> [String] {
    let folder = try TemporaryFolder()
    for (split, rows) in files {
      try folder.write("t/\(split).jsonl", rows.map { #"{"q": "\#($0)"}"# }.joined(separator: "\n"))
    }
    let yaml = """
      task: t
      output_type: loglikelihood
      doc_to_text: "{{q}}"
      doc_to_target: "a"
      fewshot_delimiter: ","
      \(more)
      """
    var options = EvaluationOptions()
    options.fewShot = count
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path, options: options)
    return try evaluator.prepare(task(yaml)).documents.map { $0.prefix.replacing(" a,", with: " ") }
  }

  private func message(_ more: String, _ files: [String: [Int]], count: Int) -> String {
    do { return try prefixes(more, files, count: count).joined() } catch { return "\(error)" }
  }

  @Test func firstRowsAreTheSameForAll() throws {
    let more = "test_split: test\nfewshot_split: dev\nfewshot_config: {sampler: first_n}"
    #expect(try prefixes(more, ["test": [1, 2], "dev": [7, 8, 9]], count: 2) == ["7 8 ", "7 8 "])
    #expect(
      message(more, ["test": [1], "dev": [7]], count: 2).contains(
        "task 't' draws 2 few-shot rows from here, but there are 1"))
    // From the evaluated split itself a row is left out of its own examples.
    let own = "test_split: test\nfewshot_split: test\nfewshot_config: {sampler: first_n}"
    #expect(try prefixes(own, ["test": [1, 2, 3, 1]], count: 2) == ["2 3 ", "1 3 ", "1 2 ", "2 3 "])
  }

  @Test func drawsFollowPythonsGenerator() throws {
    // random.Random(1234).sample over ten rows, twice.
    var random = PythonRandom(seed: 1234)
    let pool = Array(20..<30)
    let expected = (0..<2).map { _ in random.sample(10, 3).map { "\(pool[$0]) " }.joined() }
    #expect(
      try prefixes("test_split: test\ntraining_split: train", ["test": [1, 2], "train": pool], count: 3) == expected)
  }

  @Test func aRowIsDroppedFromItsOwnDrawsWhereTheSplitsNamesAreEqual() throws {
    let rows = [0, 1, 2, 3, 4, 5]
    var random = PythonRandom(seed: 1234)
    let expected = rows.map { row in
      random.sample(6, 3).filter { $0 != row }.prefix(2).map { "\($0) " }.joined()
    }
    for more in [
      "validation_split: test", "test_split: test\nfewshot_split: test",
      "test_split: test\nfewshot_config: {split: test}",
    ] {
      #expect(try prefixes(more, ["test": rows], count: 2) == expected, "\(more)")
    }
    #expect(
      message("validation_split: test", ["test": [1, 1, 2, 3]], count: 3).contains(
        "3 few-shot examples are drawn from rows unlike"))
  }

  /// Draws with copies are those of a pool without them, as the harness makes it.
  @Test func copiesOfARowAreNotDrawn() throws {
    let rows = [5, 1, 5, 5, 2, 5, 3, 5]
    var random = PythonRandom(seed: 1234)
    let expected = rows.map { row in
      let drawn = random.sample(8, 3).map { rows[$0] }.filter { $0 != row }.prefix(2)
      if drawn.count == 2 { return Array(drawn) }
      let others = rows.filter { $0 != row }
      return random.sample(others.count, 2).map { others[$0] }
    }
    #expect(
      try prefixes("validation_split: test", ["test": rows], count: 2)
        == expected.map { $0.map { "\($0) " }.joined() })
    #expect((0..<4).map { FewShotSampler.position($0, without: [0, 2, 3, 6]) } == [1, 4, 5, 7])
  }

  /// Whole numbers are equal to floats in Python, and the order of columns does not matter.
  @Test func copiesAreThoseOfPython() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "t/test.jsonl",
      #"{"q": "a", "n": {"x": 1, "y": 2}}"# + "\n" + #"{"n": {"y": 2.0, "x": true}, "q": "a"}"# + "\n"
        + #"{"q": "b", "n": {}}"#)
    var options = EvaluationOptions()
    options.fewShot = 1
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path, options: options)
    let yaml =
      "task: t\noutput_type: loglikelihood\ndoc_to_text: \"{{q}}\"\ndoc_to_target: c\nfewshot_split: test\n"
      + "test_split: test\nfewshot_config: {sampler: first_n}"
    #expect(try evaluator.prepare(task(yaml)).documents.map(\.prefix) == ["b c\n\n", "b c\n\n", "a c\n\n"])
  }

  @Test func anyNumberIsRefusedWhereTheRowsAreTooFew() {
    for more in ["test_split: test\ntraining_split: test", "validation_split: test"] {
      let found = message(more, ["test": [1, 2]], count: .max)
      #expect(found.contains("draws \(Int.max) few-shot rows from here, but there are 2"), "\(found)")
    }
    #expect(message("validation_split: test", ["test": [1, 2]], count: 2).contains("draws 3 few-shot rows"))
  }

  @Test func rowsOfTheYAMLAndPositions() throws {
    let samples = "test_split: test\nfewshot_config: {sampler: first_n, samples: [{q: x}, {q: y}, {q: z}]}"
    #expect(try prefixes(samples, ["test": [1]], count: 2) == ["x y "])
    let both = samples.replacing("{sampler", with: "{split: dev, sampler")
    #expect(try prefixes(both, ["test": [1], "dev": [5, 6]], count: 1) == ["5 "])
    // lm_eval 0.4.13 reads fewshot_indices and does not use them.
    let dev = "test_split: test\nfewshot_split: dev\nfewshot_config: {fewshot_indices: [2, -1]}"
    var random = PythonRandom(seed: 1234)
    let order = random.sample(4, 2).map { [6, 7, 8, 9][$0] }
    #expect(try prefixes(dev, ["test": [1], "dev": [6, 7, 8, 9]], count: 2) == [order.map { "\($0) " }.joined()])
  }

  @Test func leaksAreKnown() throws {
    func leaks(_ name: String) throws -> Bool { FewShotSampler.leaks(try TaskCatalog.builtIn.task(name)) }
    #expect(try ["race", "wsc273", "lambada_openai"].allSatisfy { try leaks($0) })
    #expect(
      try !["piqa", "arc_easy", "mmlu_anatomy", "lambada_standard", "wsc", "truthfulqa_mc1"].contains { try leaks($0) })
  }
}
