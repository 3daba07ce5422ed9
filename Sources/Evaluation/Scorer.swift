/// One log-likelihood to compute: the tokens of a context, uncut, and the tokens to score after it.
public struct ScoreRequest: Sendable, Hashable {
  /// Token ids before the continuation; never empty (an empty text has the prefix token here).
  public var context: [Int32]
  /// Token ids to score; never empty.
  public var continuation: [Int32]

  public init(context: [Int32], continuation: [Int32]) {
    self.context = context
    self.continuation = continuation
  }
}

/// What a model says about one request.
public struct Score: Sendable, Equatable {
  /// Σ log P(token | tokens before it) over the continuation, natural logarithm.
  public var logProbability: Double
  /// Whether every continuation token has the largest logit at its position.
  public var isGreedy: Bool

  public init(logProbability: Double, isGreedy: Bool) {
    self.logProbability = logProbability
    self.isGreedy = isGreedy
  }
}

/// A model that scores requests. It receives all requests of an evaluation at once, without duplicates, and may order
/// and batch them as it likes: the scores must not depend on how.
public protocol Scorer: AnyObject {
  /// The model's window in tokens. A longer request is cut on the left, by the scorer, to its newest `contextLength +
  /// 1` tokens, of which all but the last are the input.
  var contextLength: Int { get }

  /// Scores each request once, in any order.
  /// - Parameter scored: is told each score as soon as it is known. What it throws ends the scoring.
  func score(_ requests: [ScoreRequest], scored: (_ index: Int, _ score: Score) throws -> Void) throws
}

extension Scorer {
  /// One score per request, in the order of the requests.
  /// - Parameter scored: is told the index of each request as soon as it is scored.
  /// - Throws: `EvaluationError.scoreCount` for a scorer that leaves requests out or scores one twice, and whatever it
  ///   or `scored` throws.
  func scores(of requests: [ScoreRequest], scored: (_ index: Int) throws -> Void = { _ in }) throws -> [Score] {
    var scores = [Score?](repeating: nil, count: requests.count)
    var count = 0
    try score(requests) { index, score in
      count += 1
      guard scores.indices.contains(index), scores[index] == nil else {
        throw EvaluationError.scoreCount(expected: requests.count, found: count)
      }
      scores[index] = score
      try scored(index)
    }
    let found = scores.compactMap { $0 }
    guard found.count == requests.count else {
      throw EvaluationError.scoreCount(expected: requests.count, found: found.count)
    }
    return found
  }
}
