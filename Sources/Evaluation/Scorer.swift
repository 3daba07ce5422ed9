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

/// A model that scores requests. It receives all requests of a task at once, without duplicates, and may order and
/// batch them as it likes: the scores must not depend on how.
public protocol Scorer: AnyObject {
  /// The model's window in tokens. A longer request is cut on the left, by the scorer, to its newest `contextLength +
  /// 1` tokens, of which all but the last are the input.
  var contextLength: Int { get }

  /// One score per request, in the order of the requests. `progress` is told (done, total) now and then.
  func score(_ requests: [ScoreRequest], progress: (_ done: Int, _ total: Int) -> Void) throws -> [Score]
}
