import TestSupport
import Testing

@testable import Evaluation

struct ScoringPlanTests {
  private func plan(
    _ requests: [ScoreRequest], contextLength: Int = 1024, tokens: Int = 4096, sequences: Int? = nil
  ) -> ScoringPlan {
    ScoringPlan(requests, contextLength: contextLength, limits: .init(tokens: tokens, sequences: sequences))
  }

  private func request(_ context: [Int32], _ continuation: [Int32]) -> ScoreRequest {
    ScoreRequest(context: context, continuation: continuation)
  }

  /// What each request's scores mean: the text that a scored row sees, and the token scored after it. The text is put
  /// together from the rows' spans, as the model sees it.
  private func scored(_ plan: ScoringPlan) -> [Int: [[Int32]]] {
    var scored: [Int: [[Int32]]] = [:]
    for batch in plan.batches {
      let rows = ScoringRows(plan, batch)
      #expect(rows.tokens.count == batch.rows && rows.positions.count == batch.rows)
      let prefix = Array(plan.prefix(of: batch))
      func text(_ row: Int) -> [Int32] {
        let span = rows.spans[row * 4..<row * 4 + 4].map { Int($0) }
        #expect(span[1] <= span[2] && span[2] <= span[3] && span[3] <= row)
        let text = prefix[..<span[0]] + rows.tokens[span[1]..<span[2]] + rows.tokens[span[3]...row]
        #expect(Int(rows.positions[row]) == text.count - 1)
        return Array(text)
      }
      for answer in rows.answers {
        #expect(scored[answer.request] == nil)
        scored[answer.request] = rows.scores[answer.scores].map {
          text(Int(rows.scoredRows[$0])) + [rows.targets[$0]]
        }
      }
    }
    return scored
  }

  /// The same, from the requests alone.
  private func expected(_ requests: [ScoreRequest], contextLength: Int) -> [Int: [[Int32]]] {
    var expected: [Int: [[Int32]]] = [:]
    for (index, request) in requests.enumerated() {
      let ids = Array((request.context + request.continuation).suffix(contextLength + 1))
      expected[index] = (ids.count - request.continuation.count..<ids.count).map { Array(ids[...$0]) }
    }
    return expected
  }

  @Test func requestsWithOneInputAreOneSequence() {
    let requests = [
      request([1, 2], [3, 9]), request([1, 2, 3], [8]), request([1], [2, 3, 9]), request([1, 2, 3], [9]),
    ]
    let plan = plan(requests)
    #expect(plan.sequences.count == 1 && plan.batches.map(\.rows) == [3])
    let rows = ScoringRows(plan, plan.batches[0])
    #expect(rows.tokens == [1, 2, 3])
    #expect(scored(plan) == expected(requests, contextLength: 1024))
  }

  @Test func answersToOneQuestionShareItsRows() {
    let question = Array(Int32(100)..<150)
    let requests = (0..<4).map { request(question, [$0, 7, 8, 9]) }
    let plan = plan(requests)
    #expect(plan.batches.map(\.rows) == [50 + 4 * 3])
    let rows = ScoringRows(plan, plan.batches[0])
    // The question's last row is scored once for each first token.
    #expect(rows.targets.count == 16)
    #expect(scored(plan) == expected(requests, contextLength: 1024))
  }

  @Test func equalTokensAfterASharedRowAreScoredOnce() {
    let requests = [request([1, 2, 3], [4, 5, 6]), request([1, 2, 3], [4, 5, 7]), request([1, 2, 3], [4, 8])]
    let plan = plan(requests)
    let rows = ScoringRows(plan, plan.batches[0])
    #expect(rows.tokens == [1, 2, 3, 4, 5])
    #expect(rows.targets.sorted() == [4, 5, 6, 7, 8])
    #expect(scored(plan) == expected(requests, contextLength: 1024))
  }

  @Test func examplesOfASubjectAreAPrefix() {
    let examples = (0..<400).map { Int32($0 % 97) }
    var requests: [ScoreRequest] = []
    for question in Int32(0)..<40 {
      let context = examples + (0..<20).map { 200 + question + $0 }
      for answer in Int32(0)..<3 { requests.append(request(context, [300 + answer, answer])) }
    }
    let plan = plan(requests, tokens: 256)
    #expect(plan.batches.allSatisfy { $0.prefix == 400 && $0.rows <= 256 })
    #expect(plan.batches.reduce(0) { $0 + $1.rows } <= 40 * (20 + 3))
    #expect(scored(plan) == expected(requests, contextLength: 1024))
    // A request that is cut on the left begins elsewhere, and is alone.
    let cut = requests + [request(examples + examples + examples, [1, 2])]
    let mixed = self.plan(cut, contextLength: 600, tokens: 256)
    #expect(Set(mixed.batches.map(\.prefix)) == [0, 400])
    #expect(scored(mixed) == expected(cut, contextLength: 600))
  }

  /// What is scored is not in a prefix: its rows must run.
  @Test func aPrefixEndsBeforeWhatIsScored() {
    let text = (0..<300).map { Int32($0 % 89) }
    // The same inputs, first with little that is scored in them.
    let short = (0..<50).map { request(text + [Int32($0)], [1]) }
    let requests = short + (0..<50).map { request(Array(text[..<40]), Array(text[40...]) + [Int32($0), 1]) }
    let plan = plan(requests, tokens: 512)
    #expect(plan.batches.allSatisfy { $0.prefix <= 39 })
    #expect(scored(plan) == expected(requests, contextLength: 1024))
  }

  @Test func longRequestsLoseTokensOnTheLeft() {
    let requests = [request(Array(0..<10), [10, 11]), request([100], Array(101..<105))]
    let plan = plan(requests, contextLength: 4)
    #expect(plan.sequences.map(\.input) == [[7, 8, 9, 10], [100, 101, 102, 103]])
    #expect(scored(plan) == expected(requests, contextLength: 4))
    // Cut to the same tokens, they are the same sequence.
    #expect(self.plan([request([1, 2, 3], [4]), request([9, 2, 3], [4])], contextLength: 2).sequences.count == 1)
  }

  @Test(arguments: [(4096, nil), (4096, 3), (100, nil), (1, nil), (1, 1), (1 << 40, 7)] as [(Int, Int?)])
  func everyRequestIsScoredOnce(tokens: Int, sequences: Int?) {
    var random = SeededGenerator(seed: 7)
    // Few tokens, so that much begins alike.
    let requests = (0..<300).map { _ in
      let length = Int.random(in: 1...70, using: &random)
      let context = (0..<length).map { $0 < 20 ? Int32($0 % 2) : Int32.random(in: 0..<3, using: &random) }
      let count = Int.random(in: 1...5, using: &random)
      return request(context, (0..<count).map { _ in Int32.random(in: 0..<3, using: &random) })
    }
    let plan = plan(requests, contextLength: 64, tokens: tokens, sequences: sequences)
    #expect(scored(plan) == expected(requests, contextLength: 64))
    for batch in plan.batches {
      let members = plan.clusters[batch.clusters].reduce(0) { $0 + $1.sequences.count }
      #expect(members == 1 || batch.rows <= tokens)
      #expect(members <= sequences ?? .max)
    }
  }

  /// A title that everything begins with does not keep each subject from having its examples as a prefix.
  @Test func aSharedTitleLeavesSubjectsTheirPrefixes() {
    let title = [Int32](repeating: 5, count: 40)
    var requests: [ScoreRequest] = []
    for subject in Int32(0)..<3 {
      let examples = title + (0..<300).map { 10 + subject + $0 % 7 }
      for question in Int32(0)..<30 {
        requests.append(request(examples + [100 + question, 200 + question, 300], [1, 2]))
      }
    }
    let plan = plan(requests, tokens: 128)
    #expect(Set(plan.batches.map(\.prefix)) == [340])
    #expect(scored(plan) == expected(requests, contextLength: 1024))
  }

  /// Ten thousand answers of one token to one question are one input, but not one batch.
  @Test func scoresOfABatchAreBounded() {
    let requests = (0..<10_000).map { request([1, 2, 3], [Int32($0)]) }
    let plan = plan(requests, tokens: 64)
    #expect(plan.batches.count == 10)
    #expect(plan.batches.allSatisfy { ScoringRows(plan, $0).targets.count <= 1024 })
    #expect(scored(plan) == expected(requests, contextLength: 1024))
  }

  @Test func paddingIsBounded() {
    for count in 17...5000 {
      let rounded = ProgramScorer.rounded(count)
      #expect(rounded >= count && Double(rounded - count) <= Double(count) / 16, "\(count) -> \(rounded)")
    }
    #expect((1...16).allSatisfy { ProgramScorer.rounded($0) == 16 })
    #expect([17, 33, 64, 65, 1025, 2048].map { ProgramScorer.rounded($0) } == [17, 34, 64, 68, 1088, 2048])
    #expect([17, 64, 65].map { ProgramScorer.rounded($0, steps: 1) } == [32, 64, 128])
  }

  @Test func nothingIsNoBatch() { #expect(plan([]).batches.isEmpty) }
}
