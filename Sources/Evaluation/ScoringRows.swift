/// The rows of one batch, as the model's program takes them.
struct ScoringRows {
  /// Of one request: which of the scores it is the sum of.
  struct Answer {
    var request: Int
    var scores: Range<Int>
  }

  /// One for each row: its token, its position in its text, and what it sees (`Device.attentionTree`, four numbers).
  private(set) var tokens: [Int32] = []
  private(set) var positions: [Int32] = []
  private(set) var spans: [Int32] = []
  /// One for each score: the row after which a token is scored, and the token.
  private(set) var scoredRows: [Int32] = []
  private(set) var targets: [Int32] = []
  private(set) var answers: [Answer] = []
  /// Which score: for all answers, in order.
  private(set) var scores: [Int] = []

  init(_ plan: ScoringPlan, _ batch: ScoringPlan.Batch) {
    for cluster in plan.clusters[batch.clusters] { append(cluster, of: plan, prefix: batch.prefix) }
  }

  private mutating func append(_ cluster: ScoringPlan.Cluster, of plan: ScoringPlan, prefix: Int) {
    let members = plan.sequences[cluster.sequences]
    let shared = tokens.count
    if let first = members.first {
      append(first.input[prefix..<cluster.fork], from: prefix, prefix: prefix, shared: shared..<shared)
    }
    let fork = tokens.count
    /// Scores after shared rows, by row and token: branches that begin with one token have one.
    var known: [SharedScore: Int] = [:]
    for sequence in members {
      let branch = tokens.count
      append(sequence.input[cluster.fork...], from: cluster.fork, prefix: prefix, shared: shared..<fork)
      for part in sequence.parts {
        let first = scores.count
        for position in sequence.input.count - part.count..<sequence.input.count {
          let target = position + 1 < sequence.input.count ? sequence.input[position + 1] : part.last
          if position < cluster.fork {
            let score = SharedScore(row: shared + position - prefix, target: target)
            if let place = known[score] {
              scores.append(place)
              continue
            }
            known[score] = targets.count
            scores.append(append(target, after: score.row))
          } else {
            scores.append(append(target, after: branch + position - cluster.fork))
          }
        }
        answers.append(Answer(request: part.request, scores: first..<scores.count))
      }
    }
  }

  private struct SharedScore: Hashable {
    var row: Int
    var target: Int32
  }

  private mutating func append(_ ids: ArraySlice<Int32>, from position: Int, prefix: Int, shared: Range<Int>) {
    let first = tokens.count
    for (offset, id) in ids.enumerated() {
      tokens.append(id)
      positions.append(Int32(position + offset))
      for bound in [prefix, shared.lowerBound, shared.upperBound, first] { spans.append(Int32(bound)) }
    }
  }

  private mutating func append(_ target: Int32, after row: Int) -> Int {
    scoredRows.append(Int32(row))
    targets.append(target)
    return targets.count - 1
  }

  /// Fills up to the sizes of a program, with rows that see nothing but themselves and scores that nobody reads.
  mutating func pad(rows: Int, scores: Int) {
    for row in tokens.count..<max(rows, tokens.count) {
      tokens.append(0)
      positions.append(0)
      spans += [0, 0, 0, Int32(row)]
    }
    for _ in targets.count..<max(scores, targets.count) { _ = append(0, after: 0) }
  }
}
