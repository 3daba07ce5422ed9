import Files

@testable import Evaluation

/// Answers requests with the log-likelihoods that a reference run wrote to its `documents.jsonl`, found by token ids.
/// What is computed from them, metrics, standard errors and files, can then be compared exactly; and a request that the
/// harness did not make is an error.
final class ReplayScorer: Scorer {
  struct UnknownRequest: Error, CustomStringConvertible {
    let request: ScoreRequest
    var description: String { "the reference has no request \(request.context) -> \(request.continuation)" }
  }

  let contextLength: Int
  private var scores: [ScoreRequest: Score] = [:]

  init(_ run: ReferenceRun) throws {
    contextLength = try run.results()["reference"]?["max_length"]?.integer ?? 0
    for document in try run.documents() {
      for request in (document["requests"] ?? document["windows"])?.array ?? [] {
        let ids = ScoreRequest(
          context: Self.ids(request["context_ids"]), continuation: Self.ids(request["continuation_ids"]))
        scores[ids] = Score(
          logProbability: request["loglikelihood"]?.double ?? .nan, isGreedy: request["is_greedy"]?.bool ?? false)
      }
    }
  }

  private static func ids(_ json: JSON?) -> [Int32] { (json?.array ?? []).compactMap { $0.integer.map { Int32($0) } } }

  func score(_ requests: [ScoreRequest], scored: (Int, Score) throws -> Void) throws {
    for (index, request) in requests.enumerated() {
      guard let score = scores[request] else { throw UnknownRequest(request: request) }
      try scored(index, score)
    }
  }
}
