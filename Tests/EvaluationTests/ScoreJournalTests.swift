import Files
import Foundation
import Testing

@testable import Evaluation

/// Evaluations that are stopped go on from what they have scored.
struct ScoreJournalTests {
  private static let identity: JSONObject = ["weights": .string("w"), "context": .integer(64)]

  private func requests(_ count: Int = 40) -> [ScoreRequest] {
    (0..<count).map { ScoreRequest(context: [1, 2, Int32($0)], continuation: [Int32($0 + 3), 4]) }
  }

  private func journal(_ folder: TemporaryFolder, _ identity: JSONObject = identity, force: Bool = false) throws
    -> ScoreJournal
  {
    try ScoreJournal(folder.path + "/scores.journal", identity: identity, replacesOthers: force)
  }

  /// Scores with a journal; stops after `limit` scores.
  private func run(
    _ folder: TemporaryFolder, _ requests: [ScoreRequest], stopAfter limit: Int = .max
  ) throws -> (scores: [Score], scored: [ScoreRequest], damaged: Int) {
    let toy = ToyScorer()
    let journal = try journal(folder)
    let scorer = JournaledScorer(toy, journal: journal)
    var count = 0
    do {
      let scores = try scorer.scores(of: requests) { _ in
        if count == limit { throw CancellationError() }
        count += 1
      }
      #expect(scorer.reusedCount + toy.requests.count == requests.count)
      return (scores, toy.requests, journal.damagedCount)
    } catch is CancellationError { return ([], toy.requests, journal.damagedCount) }
  }

  @Test func onlyWhatIsMissingIsScored() throws {
    let folder = try TemporaryFolder()
    let requests = requests()
    let expected = try ToyScorer().scores(of: requests)
    // The score at which it stopped is kept too.
    #expect(try run(folder, requests, stopAfter: 7).scores.isEmpty)
    let second = try run(folder, requests)
    #expect(second.scores == expected)
    #expect(second.scored == Array(requests[8...]))
    // Another list: what it shares is there, in whatever order.
    let third = try run(folder, Array(requests[30...].reversed()) + [ScoreRequest(context: [9], continuation: [9])])
    #expect(third.scored == [ScoreRequest(context: [9], continuation: [9])])
    #expect(Array(third.scores.dropLast()) == expected[30...].reversed())
  }

  @Test func keysAreOfTokensAndCount() {
    let key = ScoreJournal.key(of: ScoreRequest(context: [1, 2], continuation: [3]))
    #expect(key == ScoreJournal.key(of: ScoreRequest(context: [1, 2], continuation: [3])))
    #expect(key != ScoreJournal.key(of: ScoreRequest(context: [1], continuation: [2, 3])))
    #expect(key != ScoreJournal.key(of: ScoreRequest(context: [1, 2], continuation: [4])))
  }

  @Test func numbersComeBackBitForBit() throws {
    let folder = try TemporaryFolder()
    let values = [-0.1, -Double.infinity, .nan, -0.0, -1e-300].map { Score(logProbability: $0, isGreedy: $0 > -1) }
    var keys: [ScoreJournal.Key] = []
    do {
      let journal = try journal(folder)
      for (index, value) in values.enumerated() {
        keys.append(ScoreJournal.key(of: requests()[index]))
        try journal.append(keys[index], value)
      }
      try journal.flush()
    }
    var found: [(ScoreJournal.Key, Score)] = []
    try journal(folder).read { found.append(($0, $1)) }
    #expect(found.map(\.0) == keys)
    #expect(found.map(\.1.logProbability.bitPattern) == values.map(\.logProbability.bitPattern))
    #expect(found.map(\.1.isGreedy) == values.map(\.isGreedy))
  }

  /// Cut at every byte of the last records, and with every byte of one record changed.
  @Test func damageCostsOnlyWhatItHits() throws {
    let folder = try TemporaryFolder()
    let requests = requests(6)
    let expected = try ToyScorer().scores(of: requests)
    _ = try run(folder, requests)
    let path = folder.path + "/scores.journal"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for cut in 1...100 {
      try whole.dropLast(cut).write(to: URL(fileURLWithPath: path))
      let result = try run(folder, requests)
      #expect(result.scores == expected && result.scored.count == (cut + 47) / 48, "\(cut) bytes cut")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
    }
    for byte in 0..<48 {
      var damaged = whole
      damaged[whole.count - 96 + byte] ^= 0x10
      try damaged.write(to: URL(fileURLWithPath: path))
      let result = try run(folder, requests)
      #expect(result.scores == expected && result.scored.count == 1 && result.damaged == 1, "byte \(byte)")
    }
  }

  @Test func journalsOfOthersAreKept() throws {
    let folder = try TemporaryFolder()
    _ = try run(folder, requests(3))
    func message(_ identity: JSONObject) -> String {
      do {
        _ = try journal(folder, identity)
        return "no error"
      } catch { return "\(error)" }
    }
    let other: JSONObject = ["weights": .string("v"), "context": .integer(64)]
    #expect(
      message(other) == "\(folder.path)/scores.journal: its scores are of another evaluation (other weights); "
        + "choose another --output, or give --force to replace it")
    #expect(message(Self.identity) == "no error")
    // With force it begins anew, and then is that one's.
    var count = 0
    try journal(folder, other, force: true).read { _, _ in count += 1 }
    #expect(count == 0)
    // It holds none yet, so nothing is lost.
    #expect(message(Self.identity) == "no error")
    // A file that is none, however it looks, stays as it is.
    for text in ["my notes\nand more\n", "{\"format\": 7}\n", "{\"a\": \n", "[1]\n\n\n"] {
      try folder.write("scores.journal", text)
      #expect(message(Self.identity).contains("it is no journal"), "\(text)")
      #expect(try folder.read("scores.journal") == text)
    }
    try folder.write("scores.journal", String(repeating: "x", count: 70_000))
    #expect(message(Self.identity).contains("it is no journal"))
  }

  @Test func oneEvaluationAtATime() throws {
    let folder = try TemporaryFolder()
    let first = try journal(folder)
    #expect(throws: FileError.busy(path: first.path)) { try journal(folder) }
    try withExtendedLifetime(first) { try first.remove() }
    #expect(throws: FileError.self) {
      try ScoreJournal("/dev/null", identity: Self.identity, replacesOthers: true)
    }
  }

  /// Through the evaluator: the same results whether it was stopped or not.
  @Test func resultsAreThoseOfAnUninterruptedRun() throws {
    let data = try TemporaryFolder()
    try data.write(
      "piqa/validation.jsonl",
      (0..<30).map { #"{"goal": "g\#($0)", "sol1": "a", "sol2": "b\#($0)", "label": \#($0 % 2)}"# }
        .joined(separator: "\n"))
    try data.write("lambada_openai/test.jsonl", (0..<9).map { #"{"text": "one two w\#($0)"}"# }.joined(separator: "\n"))
    let folder = try TemporaryFolder()
    let evaluator = try Evaluator(tokenizer: ByteTokenizer.make(), dataDirectory: data.path)
    func measure(_ tasks: String, _ scorer: any Scorer, stopAfter limit: Int = .max) throws -> [Double] {
      try evaluator.evaluate(TaskCatalog.builtIn.select(tasks), scorer: scorer) { state in
        if state.requests > limit { throw CancellationError() }
      }.tasks.flatMap { $0.metrics.flatMap { [$0.value, $0.standardError ?? -1] } }
    }
    let expected = try measure("piqa,lambada_openai", ToyScorer())
    #expect(throws: CancellationError.self) {
      try measure("piqa", JournaledScorer(ToyScorer(), journal: journal(folder)), stopAfter: 20)
    }
    let toy = ToyScorer()
    let scorer = JournaledScorer(toy, journal: try journal(folder))
    #expect(try measure("piqa,lambada_openai", scorer) == expected)
    #expect(scorer.reusedCount == 21 && toy.requests.count == 60 + 9 - 21)
  }
}
