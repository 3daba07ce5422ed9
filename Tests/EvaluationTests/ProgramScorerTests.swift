import CPUBackend
import Checkpoints
import Files
import Models
import Programs
import TestSupport
import Testing
import Tokenization

@testable import Evaluation

/// Real scores against runs of the harness: the model, the tokenizer, the tasks and the metrics together.
@Suite(.enabled(if: Shared.isAvailable, "needs shared/"))
struct ProgramScorerTests {
  private func scorer(_ model: String, batchTokens: Int = 4096, batchSequences: Int? = nil) throws -> ProgramScorer {
    let architecture = try Model.load(directory: model)
    let store = try ParameterStore.load(
      architecture, from: Checkpoint.open(model), device: CPUDevice(threads: 2))
    return try ProgramScorer(
      model: architecture, store: store, batchTokens: batchTokens, batchSequences: batchSequences)
  }

  private func evaluate(_ run: ReferenceRun, _ scorer: ProgramScorer) throws -> EvaluationResult {
    var options = EvaluationOptions()
    options.bos = run.bos
    options.fewShot = run.fewShot
    options.bootstrapIterations = try #require(run.results()["reference"]?["bootstrap_iters"]?.integer)
    options.keepsDocuments = true
    let evaluator = try Evaluator(
      tokenizer: Tokenizer.load(directory: run.model), dataDirectory: run.data, options: options)
    return try evaluator.evaluate(run.selection(), scorer: scorer)
  }

  /// Every log-likelihood of a document with its token ids, as `documents.jsonl` has them.
  private func scores(_ document: JSON) -> [(context: JSON?, continuation: JSON?, value: Double, isGreedy: Bool?)] {
    ((document["requests"] ?? document["windows"])?.array ?? []).map {
      ($0["context_ids"], $0["continuation_ids"], $0["loglikelihood"]?.double ?? .nan, $0["is_greedy"]?.bool)
    }
  }

  @Test(arguments: ReferenceRun.all)
  func agreesWithTheHarness(_ run: ReferenceRun) throws {
    let scorer = try scorer(run.model)
    #expect(scorer.contextLength == (try run.results()["reference"]?["max_length"]?.integer))
    let result = try evaluate(run, scorer)
    let reference = try run.results()["results"]
    var expected: [String: [JSON]] = [:]
    for document in try run.documents() { expected[document["task"]?.string ?? "", default: []].append(document) }
    var largest = 0.0
    for task in result.tasks {
      let name = task.configuration.name
      let documents = try #require(expected[name])
      #expect(task.documents.count == documents.count && !documents.isEmpty)
      for (found, expected) in zip(task.documents, documents) {
        let found = scores(.object(SampleRow.document(found, task: name)))
        let expected = scores(expected)
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) {
          #expect(found.context == expected.context && found.continuation == expected.continuation)
          #expect(found.isGreedy == expected.isGreedy)
          let difference = abs(found.value - expected.value)
          #expect(difference <= 1e-4 * abs(expected.value), "\(name): \(found.value), expected \(expected.value)")
          largest = max(largest, difference / abs(expected.value))
        }
      }
      for metric in task.metrics {
        let value = try #require(reference?[name]?["\(metric.metric.name),none"]?.double)
        let error = reference?[name]?["\(metric.metric.name)_stderr,none"]?.double
        // MC2 is a number in between, and equal to rounding alone.
        if metric.metric.aggregation == .mean && name != "truthfulqa_mc2" {
          #expect(metric.value == value && metric.standardError == error, "\(name) \(metric.metric.name)")
        } else {
          #expect(abs(metric.value - value) <= 1e-4 * value, "\(name) \(metric.metric.name)")
          #expect((metric.standardError == nil) == (error == nil))
          if let found = metric.standardError, let error { #expect(abs(found - error) <= 1e-3 * error) }
        }
      }
    }
    print("\(run.name): largest relative difference of a log-likelihood \(largest)")
  }

  @Test(arguments: ["gpt2-tiny-0shot", "llama-tiny-0shot"])
  func scoresDoNotDependOnTheBatch(_ name: String) throws {
    let run = try #require(ReferenceRun.all.first { $0.name == name })
    let results = try [(4096, nil), (300, nil), (4096, 1), (1 << 20, 5)].map { tokens, rows in
      try evaluate(run, scorer(run.model, batchTokens: tokens, batchSequences: rows))
    }
    func values(_ result: EvaluationResult) -> [Double] {
      result.tasks.flatMap(\.documents).flatMap { document in
        scores(.object(SampleRow.document(document, task: ""))).map(\.value)
      }
    }
    let expected = values(results[0])
    #expect(expected.count > 100)
    for other in results.dropFirst() {
      for (value, expected) in zip(values(other), expected) { #expect(abs(value - expected) <= 1e-6 * abs(expected)) }
      for (task, expected) in zip(other.tasks, results[0].tasks) {
        for (metric, expected) in zip(task.metrics, expected.metrics) where metric.metric.aggregation == .mean {
          // Counts are equal; MC2 is of exponentials, which make more of a difference.
          #expect(abs(metric.value - expected.value) <= 1e-5 * expected.value)
        }
      }
    }
  }

  @Test func requestsThatShareAPassScoreAsAlone() throws {
    let scorer = try scorer(Shared.path("goldens/eval-fixtures/models/gpt2-tiny"))
    let context = (1...40).map { Int32($0 * 7) }
    let requests =
      (0..<30).map { ScoreRequest(context: context, continuation: [Int32($0 * 20)]) }
      + [ScoreRequest(context: Array(context.dropLast(3)), continuation: Array(context.suffix(3)) + [60])]
    var told: [Int] = []
    let together = try scorer.scores(of: requests) { told.append($0) }
    #expect(told.sorted() == Array(0..<31))
    let alone = try requests.flatMap { try scorer.scores(of: [$0]) }
    for (a, b) in zip(together, alone) {
      #expect(abs(a.logProbability - b.logProbability) <= 1e-6 * abs(b.logProbability))
      #expect(a.isGreedy == b.isGreedy)
    }
    // The last holds the same last token, and three more before it.
    #expect(together[30].logProbability < together[3].logProbability)
  }

  /// Keys and values of a prefix are those of the weights of now.
  @Test func weightsMayChangeBetweenCalls() throws {
    let path = Shared.path("goldens/eval-fixtures/models/gpt2-tiny-1k")
    let model = try Model.load(directory: path)
    let store = try ParameterStore.load(model, from: Checkpoint.open(path), device: CPUDevice(threads: 1))
    let requests = (0..<20).map { index in
      let question = (0..<4).map { Int32(100 + index + $0) }
      return ScoreRequest(context: (0..<300).map { Int32($0 % 97) } + question, continuation: [7, 8])
    }
    func makeScorer() throws -> ProgramScorer { try ProgramScorer(model: model, store: store, batchTokens: 128) }
    let scorer = try makeScorer()
    _ = try scorer.scores(of: requests)
    let bias = [Float](repeating: 0.5, count: model.width)
    try bias.withUnsafeBufferPointer { try store.write($0, of: "transformer.h.0.ln_1.bias", at: 0) }
    let changed = try scorer.scores(of: requests)
    #expect(try changed == makeScorer().scores(of: requests))
  }

  @Test func idsOutsideTheVocabularyAreRefused() throws {
    let scorer = try scorer(Shared.path("goldens/eval-fixtures/models/gpt2-tiny"))
    for bad in [601, -1] as [Int32] {
      for request in [
        ScoreRequest(context: [1, bad], continuation: [2]), ScoreRequest(context: [1], continuation: [2, bad]),
      ] {
        do {
          _ = try scorer.scores(of: [request])
          Issue.record("accepted")
        } catch {
          #expect("\(error)".hasPrefix("token id \(bad) is outside the model's vocabulary of 601"))
        }
      }
    }
    #expect(throws: EvaluationError.self) {
      try self.scorer(Shared.path("goldens/eval-fixtures/models/gpt2-tiny"), batchTokens: 0)
    }
    #expect(throws: EvaluationError.self) {
      try self.scorer(Shared.path("goldens/eval-fixtures/models/gpt2-tiny"), batchSequences: 0)
    }
  }
}
