/// Requests as batches of rows: which tokens run through the model, what each of them sees, and which are scored.
///
/// What requests have in common is computed once, on three levels:
/// - requests with one input (one-token answers to one question differ only in their last token, which is no input) are
///   one sequence;
/// - sequences that begin alike (the answers to one question) are a cluster: their common rows once, then a branch for
///   each;
/// - clusters that begin alike (the few-shot examples of a subject) are a group, whose common beginning is run once
///   and kept as keys and values.
///
/// Batches are rows without padding between them: a row sees its own text and no other (`Device.attentionTree`).
struct ScoringPlan {
  /// What limits a batch.
  struct Limits {
    /// Rows of a batch, at most, unless one sequence alone is longer.
    var tokens: Int
    /// Sequences of a batch, at most; nil is no limit.
    var sequences: Int?

    /// Scores of a batch, at most, unless one request alone has more: ten thousand answers of one token have one input.
    var scores: Int { max(tokens, 1024) }
  }

  /// A request's place in its sequence.
  struct Part {
    var request: Int
    /// Continuation tokens.
    var count: Int
    /// The last of them, which is no input.
    var last: Int32
  }

  /// An input and everything that is scored in it.
  struct Sequence {
    /// Context and continuation but its last token, cut on the left to what the model can see.
    var input: [Int32]
    /// The first position that one of the parts scores.
    var start: Int
    var parts: [Part] = []
    /// Tokens that its parts score.
    var scores = 0
  }

  /// Sequences that are equal up to position `fork`; a cluster of one forks where its group's prefix ends.
  struct Cluster {
    var sequences: Range<Int>
    var fork: Int
    /// Rows it takes in a batch, and scores, at most.
    var rows: Int
    var scores: Int
  }

  struct Batch {
    var clusters: Range<Int>
    /// Tokens at the beginning of all its sequences that are in the cache.
    var prefix: Int
    var rows: Int
  }

  /// In the order of their tokens, so that what begins alike is together.
  private(set) var sequences: [Sequence]
  private(set) var clusters: [Cluster] = []
  private(set) var batches: [Batch] = []
  private let limits: Limits
  /// Tokens that each sequence has in common with the one before it.
  private let common: [Int]

  /// A shorter beginning is not worth a run of its own.
  private static let shortestPrefix = 32
  /// A prefix must save so many rows, and a tenth of all.
  private static let leastSaving = 512
  /// Beginnings within beginnings that are looked at.
  private static let deepestSplit = 6
  /// Members of a cluster, at most: what is found by trying all cuts.
  private static let largestCluster = 64

  /// - Parameter requests: contexts and continuations are not empty, continuations at most `contextLength` tokens.
  init(_ requests: [ScoreRequest], contextLength: Int, limits: Limits) {
    self.limits = limits
    sequences = Self.sequences(requests, contextLength: contextLength, scoreLimit: limits.scores)
    sequences.sort { a, b in
      let common = Self.commonCount(a.input, b.input)
      guard common < a.input.count, common < b.input.count else { return a.input.count < b.input.count }
      return a.input[common] < b.input[common]
    }
    var common = [Int](repeating: 0, count: sequences.count)
    for index in sequences.indices.dropFirst() {
      common[index] = Self.commonCount(sequences[index - 1].input, sequences[index].input)
    }
    self.common = common
    var plain: [Cluster] = []
    for (members, prefix) in groups(sequences.indices) {
      let own = clusters(members, after: prefix).clusters
      if prefix > 0 { append(own, prefix: prefix) } else { plain += own }
    }
    append(plain, prefix: 0)
  }

  /// Tokens of the longest input.
  var longest: Int { sequences.map(\.input.count).max() ?? 0 }

  /// The tokens that a batch's rows follow.
  func prefix(of batch: Batch) -> ArraySlice<Int32> {
    sequences[clusters[batch.clusters.lowerBound].sequences.lowerBound].input.prefix(batch.prefix)
  }

  /// Sequences with different inputs, in order of their first request.
  private static func sequences(
    _ requests: [ScoreRequest], contextLength: Int, scoreLimit: Int
  ) -> [Sequence] {
    var sequences: [Sequence] = []
    var places: [[Int32]: Int] = [:]
    for (index, request) in requests.enumerated() {
      let ids = (request.context + request.continuation).suffix(contextLength + 1)
      let count = request.continuation.count
      precondition(count > 0 && count < ids.count, "a request of \(request.context.count) + \(count) tokens")
      guard let last = ids.last else { continue }
      let input = Array(ids.dropLast())
      var place = places[input] ?? sequences.count
      if place < sequences.count, sequences[place].scores + count > scoreLimit { place = sequences.count }
      if place == sequences.count {
        places[input] = place
        sequences.append(Sequence(input: input, start: input.count - count))
      }
      sequences[place].start = min(sequences[place].start, input.count - count)
      sequences[place].scores += count
      sequences[place].parts.append(Part(request: index, count: count, last: last))
    }
    return sequences
  }

  /// Tokens that both begin with.
  private static func commonCount(_ a: [Int32], _ b: [Int32]) -> Int {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var count = 0
        while count < min(a.count, b.count), a[count] == b[count] { count += 1 }
        return count
      }
    }
  }

  // MARK: What is shared

  /// Runs of sequences, in order, with the length of the prefix that is worth keeping for each: 0 for most.
  private func groups(_ members: Range<Int>) -> [(members: Range<Int>, prefix: Int)] {
    var groups: [(members: Range<Int>, prefix: Int)] = []
    var plain = members.lowerBound
    for run in pieces(of: members, where: { $0 < Self.shortestPrefix }) {
      for group in bestGroups(of: run).groups where group.prefix > 0 {
        // What shares nothing that is worth it goes together: it may still share a little.
        if plain < group.members.lowerBound { groups.append((plain..<group.members.lowerBound, 0)) }
        groups.append(group)
        plain = group.members.upperBound
      }
    }
    if plain < members.upperBound { groups.append((plain..<members.upperBound, 0)) }
    return groups
  }

  /// The best of: no prefix, one for all members, and what is best for the pieces that more than the least is common to.
  private func bestGroups(
    of members: Range<Int>, depth: Int = 0
  ) -> (groups: [(members: Range<Int>, prefix: Int)], rows: Int) {
    let rows = clusters(members, after: 0).rows
    var best = (groups: [(members: members, prefix: 0)], rows: rows)
    guard members.count > 1, rows > Self.leastSaving, depth < Self.deepestSplit else { return best }
    let least = common[members.dropFirst()].min() ?? 0
    // What is scored must run: the prefix ends before.
    let prefix = min(least, sequences[members].map(\.start).min() ?? 0)
    let saving = max(Self.leastSaving, rows / 10)
    if prefix >= Self.shortestPrefix {
      let total = prefix + clusters(members, after: prefix).rows
      if total + saving <= rows { best = ([(members, prefix)], total) }
    }
    let split = pieces(of: members) { $0 == least }.map { bestGroups(of: $0, depth: depth + 1) }
    let total = split.reduce(0) { $0 + $1.rows }
    if total + saving <= best.rows { best = (split.flatMap(\.groups), total) }
    return best
  }

  /// `members`, cut before each sequence that has as little in common with the one before it as `isCut` says.
  private func pieces(of members: Range<Int>, where isCut: (_ common: Int) -> Bool) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var first = members.lowerBound
    for index in members.dropFirst() where isCut(common[index]) {
      pieces.append(first..<index)
      first = index
    }
    if first < members.upperBound { pieces.append(first..<members.upperBound) }
    return pieces
  }

  /// The cut of `members` into clusters that needs the fewest rows.
  private func clusters(_ members: Range<Int>, after prefix: Int) -> (clusters: [Cluster], rows: Int) {
    // fewest[i]: rows of the first i members; sizes[i]: members of the last cluster among them.
    var fewest = [0]
    var sizes = [0]
    let most = min(Self.largestCluster, limits.sequences ?? .max)
    for end in members {
      let own = sequences[end].input.count - prefix
      var best = (rows: fewest[end - members.lowerBound] + own, size: 1)
      var fork = Int.max
      var (rows, scores) = (own, sequences[end].scores)
      var first = end
      while first > members.lowerBound, end - first + 1 < most {
        fork = min(fork, common[first])
        first -= 1
        rows += sequences[first].input.count - prefix
        scores += sequences[first].scores
        guard fork > prefix, scores <= limits.scores else { break }
        let shared = rows - (end - first) * (fork - prefix)
        let total = fewest[first - members.lowerBound] + shared
        if shared <= limits.tokens, total < best.rows { best = (total, end - first + 1) }
      }
      fewest.append(best.rows)
      sizes.append(best.size)
    }
    var clusters: [Cluster] = []
    var end = members.count
    while end > 0 {
      let first = end - sizes[end]
      let range = members.lowerBound + first..<members.lowerBound + end
      let fork = range.count > 1 ? common[range.dropFirst()].min() ?? prefix : prefix
      clusters.append(
        Cluster(
          sequences: range, fork: fork, rows: fewest[end] - fewest[first],
          scores: sequences[range].reduce(0) { $0 + $1.scores }))
      end = first
    }
    return (clusters.reversed(), fewest[members.count])
  }

  // MARK: Batches

  private mutating func append(_ added: [Cluster], prefix: Int) {
    var first = clusters.count
    clusters += added
    while first < clusters.count {
      var end = first
      var (rows, scores, members) = (0, 0, 0)
      repeat {
        rows += clusters[end].rows
        scores += clusters[end].scores
        members += clusters[end].sequences.count
        end += 1
      } while end < clusters.count && rows + clusters[end].rows <= limits.tokens
        && scores + clusters[end].scores <= limits.scores
        && members + clusters[end].sequences.count <= limits.sequences ?? .max
      batches.append(Batch(clusters: first..<end, prefix: prefix, rows: rows))
      first = end
    }
  }
}
