import Files
import Testing
import Tokenization

@testable import Evaluation

struct EvaluatorTests {
  private static let piqa = (0..<10).map {
    #"{"goal": "g\#($0 % 4)", "sol1": "a", "sol2": "b\#($0)", "label": \#($0 % 2)}"#
  }

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("piqa/validation.jsonl", Self.piqa.joined(separator: "\n") + "\n\n")
    try folder.write(
      "piqa/train.jsonl",
      (0..<5).map { #"{"goal": "t\#($0)", "sol1": "x", "sol2": "y", "label": 0}"# }.joined(separator: "\n"))
    try folder.write(
      "lambada_openai/test.jsonl", (0..<4).map { #"{"text": "one two w\#($0)"}"# }.joined(separator: "\r\n"))
    try folder.write("wikitext/test.jsonl", #"{"page": " = A = \n \n long text of one page \n "}"#)
    return folder
  }

  private func evaluate(
    _ names: String, in folder: TemporaryFolder, scorer: ToyScorer = ToyScorer(),
    _ change: (inout EvaluationOptions) -> Void = { _ in }
  ) throws -> EvaluationResult {
    var options = EvaluationOptions()
    options.bootstrapIterations = 100
    options.keepsDocuments = true
    change(&options)
    let evaluator = try Evaluator(
      tokenizer: ByteTokenizer.make(), dataDirectory: folder.path, options: options)
    return try evaluator.evaluate(TaskCatalog.builtIn.select(names), scorer: scorer)
  }

  private func message(_ names: String, in folder: TemporaryFolder, scorer: ToyScorer = ToyScorer()) -> String {
    do {
      _ = try evaluate(names, in: folder, scorer: scorer)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func requestsAreDeduplicatedPerTask() throws {
    let scorer = ToyScorer()
    let result = try evaluate("piqa", in: folder(), scorer: scorer)
    let task = try #require(result[task: "piqa"])
    #expect(scorer.calls == 1)
    #expect(task.requestCount == 20)
    // " a" after one of four goals, and ten different " b<n>".
    #expect(scorer.requests.count == 14)
    #expect(Set(scorer.requests).count == scorer.requests.count)
    #expect(task.documents.count == 10)
    #expect(task.originalCount == 10 && task.effectiveCount == 10)
    for document in task.documents {
      guard case .requests(let requests) = document.answers else {
        Issue.record("no requests")
        continue
      }
      #expect(
        requests.map { String(decoding: $0.ids.continuation.map { UInt8($0) }, as: UTF8.self) }
          == requests.map(\.continuation))
    }
  }

  @Test func limitTakesTheFirstRows() throws {
    let folder = try folder()
    #expect(try evaluate("piqa", in: folder) { $0.limit = 3 }.tasks[0].effectiveCount == 3)
    #expect(try evaluate("piqa", in: folder) { $0.limit = 3 }.tasks[0].originalCount == 10)
    #expect(try evaluate("piqa", in: folder) { $0.limit = 0.21 }.tasks[0].effectiveCount == 3)
    #expect(try evaluate("piqa", in: folder) { $0.limit = 500 }.tasks[0].effectiveCount == 10)
    #expect(try evaluate("piqa", in: folder) { $0.limit = 1e300 }.tasks[0].effectiveCount == 10)
    #expect(throws: EvaluationError.self) { try evaluate("piqa", in: folder) { $0.limit = 0 } }
    #expect(throws: EvaluationError.self) { try evaluate("piqa", in: folder) { $0.limit = .nan } }
    #expect(throws: EvaluationError.self) { try evaluate("piqa", in: folder) { $0.bootstrapIterations = -1 } }
    // More replicates than fit into memory.
    #expect(throws: EvaluationError.self) { try evaluate("piqa", in: folder) { $0.bootstrapIterations = .max } }
    #expect(throws: EvaluationError.self) { try evaluate("piqa", in: folder) { $0.fewShot = -1 } }
  }

  @Test func progressCountsRequestsAndTokens() throws {
    var seen: [EvaluationProgress] = []
    let folder = try folder()
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path)
    _ = try evaluator.evaluate(TaskCatalog.builtIn.select("piqa,wikitext"), scorer: ToyScorer()) { seen.append($0) }
    let last = try #require(seen.last)
    // Once for each task before it is read, then for each request.
    #expect(seen.map(\.requests) == [0, 0] + Array(1...last.requestCount) && last.tokens == last.tokenCount)
    // 14 different ones of piqa and one window: 4 questions "Question: g0\nAnswer:" of 20 bytes, four times " a", ten
    // times " b" and a digit, and the page behind its prefix.
    #expect(last.requestCount == 15)
    #expect(last.tokenCount == 4 * 20 + 4 * 2 + 10 * 3 + 1 + " = A =\n\nlong text of one page\n".utf8.count)
  }

  @Test func everyRowIsCheckedBeforeScoringBegins() throws {
    let folder = try folder()
    try folder.write("wikitext/test.jsonl", "{\"page\": \"p\"}\n\n{\"text\": \"p\"}\n")
    let scorer = ToyScorer()
    #expect(
      message("piqa,wikitext", in: folder, scorer: scorer)
        == "\(folder.path)/wikitext/test.jsonl:3: column 'page' is missing; the row has text")
    #expect(scorer.calls == 0)
  }

  @Test func missingFilesAreNamed() throws {
    let folder = try folder()
    #expect(
      message("boolq", in: folder)
        == "\(folder.path)/boolq: no such folder, but task 'boolq' reads its rows there; "
        + "tasks present: lambada_openai, piqa, wikitext")
    try folder.write("boolq/train.jsonl", "{}")
    #expect(
      message("boolq", in: folder)
        == "\(folder.path)/boolq/validation.jsonl: missing, but task 'boolq' is scored on split 'validation'; "
        + "found train.jsonl"
    )
    try folder.write("boolq/validation.jsonl", " \n\r\n")
    #expect(message("boolq", in: folder).hasPrefix("\(folder.path)/boolq/validation.jsonl: no rows"))
    try folder.write("boolq/validation.jsonl", "{\"passage\": \"p\"\n")
    #expect(message("boolq", in: folder).hasPrefix("\(folder.path)/boolq/validation.jsonl:1: not a JSON object"))
    try folder.write("boolq/validation.jsonl", "\n[1]\n")
    #expect(message("boolq", in: folder).hasPrefix("\(folder.path)/boolq/validation.jsonl:2: expected a JSON object"))
    // Rows of its own, and examples that are nowhere.
    let own = try task(
      """
      task: own
      output_type: loglikelihood
      test_split: test
      training_split: train
      num_fewshot: 1
      doc_to_text: x
      doc_to_target: y
      dataset_path: json
      dataset_kwargs: {data_files: {test: \(folder.path)/piqa/validation.jsonl}}
      """)
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path)
    let error = #expect(throws: EvaluationError.self) { try evaluator.prepare(own) }
    let found = error?.description ?? ""
    #expect(found.hasPrefix("\(folder.path)/own/train.jsonl: missing, "), "\(found)")
    #expect(found.hasSuffix("found no .jsonl file"), "\(found)")
  }

  @Test func anAnswerLongerThanTheWindowIsRefused() throws {
    let folder = try folder()
    #expect(message("lambada_openai", in: folder, scorer: ToyScorer(contextLength: 2)).contains("does not fit"))
    let cut = try evaluate("lambada_openai", in: folder, scorer: ToyScorer(contextLength: 3))
    #expect(cut.tasks[0].truncatedCount == 4)
    #expect(cut.notes.count == 1)
  }

  @Test func fewShotExamplesComeBeforeEveryRow() throws {
    let folder = try folder()
    let result = try evaluate("piqa", in: folder, scorer: ToyScorer(contextLength: 512)) { $0.fewShot = 2 }
    var random = PythonRandom(seed: 1234)
    for document in result.tasks[0].documents {
      // n + 1 are drawn because few-shot and test split are both unset; none equals a validation row, so the last goes.
      let drawn = random.sample(5, 3).prefix(2).map { "Question: t\($0)\nAnswer: x\n\n" }.joined()
      guard case .requests(let requests) = document.answers else { continue }
      #expect(requests[0].context == drawn + "Question: g\(document.id % 4)\nAnswer:")
    }
    #expect(result.tasks[0].fewShot == 2)
    #expect(throws: EvaluationError.self) { try evaluate("piqa", in: folder) { $0.fewShot = 5 } }
    let leaky = try evaluate("lambada_openai", in: folder) { $0.fewShot = 2 }
    #expect(leaky.tasks[0].fewShotLeaks)
  }

  @Test func aScorerThatLosesRequestsIsCaught() throws {
    final class Lossy: Scorer {
      let contextLength = 64
      func score(_ requests: [ScoreRequest], scored: (Int, Score) throws -> Void) throws {}
    }
    let folder = try folder()
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path)
    #expect(throws: EvaluationError.self) {
      try evaluator.evaluate(TaskCatalog.builtIn.select("piqa"), scorer: Lossy())
    }
  }

  /// As NumPy and Python have it: the first NaN is the choice, and what is counted in NaN is NaN.
  @Test func scoresOfABrokenModel() throws {
    final class Broken: Scorer {
      let contextLength = 64
      func score(_ requests: [ScoreRequest], scored: (Int, Score) throws -> Void) throws {
        for index in requests.indices { try scored(index, Score(logProbability: .nan, isGreedy: false)) }
      }
    }
    let folder = try folder()
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: folder.path)
    let result = try evaluator.evaluate(
      TaskCatalog.builtIn.select("piqa,lambada_openai,wikitext"), scorer: Broken())
    // Half of the labels are 0.
    #expect(result[task: "piqa"]?[metric: "acc"]?.value == 0.5)
    #expect(result[task: "lambada_openai"]?[metric: "acc"]?.value == 0)
    for (task, metric) in [("lambada_openai", "perplexity"), ("wikitext", "bits_per_byte")] {
      #expect(result[task: task]?[metric: metric]?.value.isNaN == true)
    }
    let report = EvaluationReport(
      result, model: ModelDescription(name: "m", dtype: "float32", device: "cpu", version: "1"))
    #expect(JSON.object(report.results).serialized().contains(#""perplexity,none": NaN"#))
    #expect(report.table.contains("NaN"))
    // A reader of the accuracies alone is told too.
    #expect(result[task: "piqa"]?.nanCount == 20)
    #expect(
      result.notes.contains(
        "lambada_openai, piqa, wikitext: 25 of 25 requests have log-likelihoods that are not numbers: are the weights "
          + "damaged?"))
  }

  @Test func tenThousandChoices() throws {
    let folder = try TemporaryFolder()
    let texts = (0..<10_000).map { "\"t\($0)\"" }.joined(separator: ",")
    let labels = (0..<10_000).map { "\"\($0)\"" }.joined(separator: ",")
    try folder.write(
      "arc_easy/test.jsonl",
      #"{"question": "q", "choices": {"text": [\#(texts)], "label": [\#(labels)]}, "answerKey": "9999"}"#)
    let result = try evaluate("arc_easy", in: folder)
    #expect(result.tasks[0].requestCount == 10_000 && result.tasks[0].documents.count == 1)
  }
}
