import Testing

@testable import Evaluation

struct ScoringPlanTests {
  private func plan(
    _ requests: [ScoreRequest], contextLength: Int = 1024, tokens: Int = 4096, rows: Int? = nil
  ) -> ScoringPlan {
    ScoringPlan(requests, contextLength: contextLength, limits: .init(tokens: tokens, rows: rows))
  }

  private func request(_ context: [Int32], _ continuation: [Int32]) -> ScoreRequest {
    ScoreRequest(context: context, continuation: continuation)
  }

  /// The scored (position, target) pairs of a part.
  private func scored(_ part: ScoringPlan.Part, of sequence: ScoringPlan.Sequence) -> [[Int32]] {
    var all: [[Int32]] = []
    sequence.forEachScored { all.append([Int32($0), $1]) }
    #expect(all.count == sequence.scoredCount)
    let rows = sequence.rows(of: part)
    return rows.first.map { all[$0] } + [all[rows.last]]
  }

  @Test func requestsWithOneInputShareASequence() {
    let plan = plan([
      request([1, 2], [3, 9]), request([1, 2, 3], [8]), request([1], [2, 3, 9]), request([1, 2, 3], [9]),
      request([1, 2], [4, 9]),
    ])
    #expect(plan.sequences.count == 2)
    let shared = plan.sequences[0]
    #expect(shared.input == [1, 2, 3] && shared.start == 0 && shared.lasts == [9, 8])
    #expect(shared.parts.map(\.request) == [0, 1, 2, 3])
    #expect(
      shared.parts.map { scored($0, of: shared) }
        == [[[1, 3], [2, 9]], [[2, 8]], [[0, 2], [1, 3], [2, 9]], [[2, 9]]])
    #expect(plan.sequences[1].input == [1, 2, 4])
  }

  @Test func longRequestsLoseTokensOnTheLeft() {
    let plan = plan([request(Array(0..<10), [10, 11]), request([100], Array(101..<105))], contextLength: 4)
    #expect(plan.sequences.map(\.input) == [[7, 8, 9, 10], [100, 101, 102, 103]])
    #expect(scored(plan.sequences[0].parts[0], of: plan.sequences[0]) == [[2, 10], [3, 11]])
    #expect(plan.sequences[1].start == 0)
    // Cut to the same tokens, they are the same sequence.
    #expect(self.plan([request([1, 2, 3], [4]), request([9, 2, 3], [4])], contextLength: 2).sequences.count == 1)
  }

  @Test func paddingIsBounded() {
    for length in 17...5000 {
      let padded = ScoringPlan.padded(length)
      #expect(padded >= length && Double(padded - length) < 0.2 * Double(padded), "\(length) -> \(padded)")
    }
    #expect((1...16).allSatisfy { ScoringPlan.padded($0) == 16 })
    #expect([17, 20, 21, 32, 33, 64, 65, 1024].map(ScoringPlan.padded) == [20, 20, 24, 32, 40, 64, 80, 1024])
    #expect(Set((1...2048).map(ScoringPlan.padded)).count < 32)
  }

  @Test(arguments: [(4096, nil), (4096, 3), (100, nil), (1, nil), (1, 1), (1 << 40, 7)] as [(Int, Int?)])
  func batchesHoldEverySequenceOnce(tokens: Int, rows: Int?) {
    let requests = (0..<300).map { index in
      request([Int32](repeating: Int32(index), count: 1 + index * 7 % 90), [1, 2])
    }
    let plan = plan(requests, contextLength: 64, tokens: tokens, rows: rows)
    #expect(plan.sequences.count == 300)
    #expect(plan.batches.flatMap { Array($0.sequences) } == Array(0..<300))
    for batch in plan.batches {
      let sequences = plan.sequences[batch.sequences]
      #expect(sequences.count == batch.shape.rows)
      #expect(batch.shape.rows == 1 || batch.shape.rows * batch.shape.length <= tokens)
      #expect(batch.shape.rows <= rows ?? .max)
      #expect(sequences.allSatisfy { $0.input.count <= batch.shape.length && batch.shape.length <= 64 })
      #expect(sequences.reduce(0) { $0 + $1.scoredCount } <= batch.shape.scored)
    }
    #expect(Set(plan.batches.map(\.shape)).count < 40)
    let lengths = plan.batches.map(\.shape.length)
    #expect(lengths == lengths.sorted(by: >))
  }

  @Test func nothingIsNoBatch() { #expect(plan([]).batches.isEmpty) }
}
