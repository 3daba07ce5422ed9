/// The different requests of an evaluation, over all its tasks: each is scored once.
struct RequestPool {
  private(set) var requests: [ScoreRequest] = []
  /// Tokens of each request that no earlier one of the same document has: the choices of a question share its context.
  /// They measure how far an evaluation is.
  private(set) var tokenCounts: [Int] = []
  private var places: [ScoreRequest: Int] = [:]

  /// - Parameter new: tokens that this request adds to those before it.
  /// - Returns: the request's index.
  mutating func add(_ request: ScoreRequest, newTokens: Int) -> Int {
    if let place = places[request] { return place }
    places[request] = requests.count
    requests.append(request)
    tokenCounts.append(newTokens)
    return requests.count - 1
  }
}
