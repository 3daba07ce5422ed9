/// Requests as batches: which token sequences run through the model, in which shapes, and which of their rows are scored.
///
/// Requests with the same input share one sequence (one-token answers to one question differ only in their last token,
/// which is no input). Sequences of similar length share a batch; a causal model does not see the padding on the right.
struct ScoringPlan {
  /// What limits a batch.
  struct Limits {
    /// B·T of a batch, at most, unless one sequence alone is longer.
    var tokens: Int
    /// B of a batch, at most; nil is no limit.
    var rows: Int?
  }

  /// A request's place in its sequence.
  struct Part {
    var request: Int
    /// Continuation tokens.
    var count: Int
    /// Index of the continuation's last token among the sequence's `lasts`.
    var last: Int
  }

  /// One row of a batch: an input and everything that is scored in it.
  struct Sequence {
    /// Context and continuation but its last token, cut on the left to what the model can see.
    var input: [Int32]
    /// The first position that one of the parts scores.
    var start: Int
    /// Tokens scored after the last position. After an earlier one it is the input's next token.
    var lasts: [Int32] = []
    var parts: [Part] = []

    /// Scored rows: one for each position from `start` but the last, then one for each of `lasts`.
    var scoredCount: Int { input.count - 1 - start + lasts.count }

    /// Calls `body` with the position and the token of each scored row, in order.
    func forEachScored(_ body: (_ position: Int, _ target: Int32) -> Void) {
      for position in start..<input.count - 1 { body(position, input[position + 1]) }
      for last in lasts { body(input.count - 1, last) }
    }

    /// Where a part's rows are among the scored ones: those before the last token, and that of the last.
    func rows(of part: Part) -> (first: Range<Int>, last: Int) {
      let end = input.count - 1 - start
      return (end - (part.count - 1)..<end, end + part.last)
    }
  }

  /// The sizes a program is made for.
  struct Shape: Hashable {
    /// B
    var rows: Int
    /// T
    var length: Int
    /// S, the rows that go through the output head
    var scored: Int
  }

  struct Batch {
    var shape: Shape
    /// Indices of its sequences, at most `shape.rows`.
    var sequences: Range<Int>
  }

  /// In the order of the batches: longest first, so that a lack of memory shows at once.
  private(set) var sequences: [Sequence] = []
  private(set) var batches: [Batch] = []

  /// - Parameter requests: contexts and continuations are not empty, continuations at most `contextLength` tokens.
  init(_ requests: [ScoreRequest], contextLength: Int, limits: Limits) {
    var places: [[Int32]: Int] = [:]
    for (index, request) in requests.enumerated() {
      let ids = (request.context + request.continuation).suffix(contextLength + 1)
      let count = request.continuation.count
      precondition(count > 0 && count < ids.count, "a request of \(request.context.count) + \(count) tokens")
      guard let last = ids.last else { continue }
      let input = Array(ids.dropLast())
      let place = places[input] ?? sequences.count
      if place == sequences.count {
        places[input] = place
        sequences.append(Sequence(input: input, start: input.count - count))
      }
      sequences[place].add(request: index, count: count, last: last)
    }
    sequences.sort { $0.input.count > $1.input.count }
    makeBatches(limits, contextLength: contextLength)
  }

  private mutating func makeBatches(_ limits: Limits, contextLength: Int) {
    var start = 0
    while start < sequences.count {
      let length = min(Self.padded(sequences[start].input.count), contextLength)
      let most = max(1, min(limits.tokens / length, limits.rows ?? .max))
      var end = start
      while end < sequences.count, end - start < most,
        min(Self.padded(sequences[end].input.count), contextLength) == length
      {
        end += 1
      }
      // What is left of a length goes in batches of 2ⁿ rows: no row is computed for nothing, and few shapes recur.
      let rows = end - start == most ? most : Self.powerOfTwo(notAbove: end - start)
      let members = start..<start + rows
      let scored = sequences[members].reduce(0) { $0 + $1.scoredCount }
      batches.append(
        Batch(
          shape: Shape(rows: rows, length: length, scored: Self.powerOfTwo(notBelow: max(scored, 16))),
          sequences: members))
      start = members.upperBound
    }
  }

  /// The length a sequence is padded to: four steps to an octave, so that at most a fifth of a batch is padding.
  static func padded(_ length: Int) -> Int {
    guard length > 16 else { return 16 }
    let step = powerOfTwo(notAbove: length - 1) / 4
    return (length + step - 1) / step * step
  }

  private static func powerOfTwo(notAbove n: Int) -> Int { 1 << (Int.bitWidth - 1 - n.leadingZeroBitCount) }

  private static func powerOfTwo(notBelow n: Int) -> Int { n == 1 ? 1 : 2 * powerOfTwo(notAbove: n - 1) }
}

extension ScoringPlan.Sequence {
  fileprivate mutating func add(request: Int, count: Int, last: Int32) {
    start = min(start, input.count - count)
    let place = lasts.firstIndex(of: last) ?? lasts.count
    if place == lasts.count { lasts.append(last) }
    parts.append(ScoringPlan.Part(request: request, count: count, last: place))
  }
}
