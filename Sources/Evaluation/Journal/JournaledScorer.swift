/// A scorer that keeps what it has scored in a journal, and does not score again what the journal has.
public final class JournaledScorer: Scorer {
  public var contextLength: Int { scorer.contextLength }
  /// Requests that the journal answered.
  public private(set) var reusedCount = 0

  private let scorer: any Scorer
  private let journal: ScoreJournal

  public init(_ scorer: any Scorer, journal: ScoreJournal) {
    self.scorer = scorer
    self.journal = journal
  }

  /// Scores what the journal does not have, and adds it there. The journal holds everything that `scored` was told when
  /// this returns, and when it throws.
  /// - Throws: `FileError`, and whatever the scorer or `scored` throws.
  public func score(_ requests: [ScoreRequest], scored: (_ index: Int, _ score: Score) throws -> Void) throws {
    let keys = requests.map(ScoreJournal.key)
    let known = try scoresInJournal(keys)
    reusedCount += known.lazy.filter { $0 != nil }.count
    for (index, score) in known.enumerated() { if let score { try scored(index, score) } }
    let missing = known.indices.filter { known[$0] == nil }
    guard !missing.isEmpty else { return }
    do {
      try scorer.score(missing.map { requests[$0] }) { place, score in
        guard missing.indices.contains(place) else {
          throw EvaluationError.scoreCount(expected: missing.count, found: place + 1)
        }
        try journal.append(keys[missing[place]], score)
        try scored(missing[place], score)
      }
    } catch {
      try journal.flush()
      throw error
    }
    try journal.flush()
  }

  /// Memory is in proportion to the requests, however long the journal is.
  private func scoresInJournal(_ keys: [ScoreJournal.Key]) throws -> [Score?] {
    var places: [ScoreJournal.Key: Int] = [:]
    for (index, key) in keys.enumerated() { places[key] = index }
    var scores = [Score?](repeating: nil, count: keys.count)
    try journal.read { key, score in if let place = places[key] { scores[place] = score } }
    return scores
  }
}
