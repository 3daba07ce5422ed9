import Tensors
import Testing

@testable import Datasets

struct RandomTests {
  /// Values of Vigna's splitmix64.c for seed 1234567, as Rosetta Code lists them (Pseudo-random numbers/Splitmix64).
  @Test func splitMixReference() {
    var random = SplitMix64(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    #expect((0..<5).map { _ in random.next() } == expected)
    #expect(random.draws == 5)
    var later = SplitMix64(seed: 1_234_567, draws: 3)
    #expect(later.next() == expected[3])
  }

  @Test func boundedDrawsAreUniform() {
    var random = SplitMix64(seed: 3)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[random.next(below: 7)] += 1 }
    // χ² with 6 degrees of freedom: above 27.9 in one of 10,000 seeds; this one is fixed.
    let chi = counts.reduce(0.0) { $0 + (Double($1) - 10_000) * (Double($1) - 10_000) / 10_000 }
    #expect(chi < 27.9)
    #expect(random.next(below: 1) == 0)
  }

  @Test func permutationsAreBijections() {
    for count in Array(1...200) + [255, 256, 257, 1000, 4095, 4097, 100_003] {
      let order = BlockPermutation(count: count, key: UInt64(count) &* 77)
      var seen = [Bool](repeating: false, count: count)
      for index in 0..<count {
        let value = order[index]
        #expect(!seen[value])
        seen[value] = true
      }
    }
  }

  @Test func permutationsLookShuffled() {
    let count = 10_000
    let (first, second) = (BlockPermutation(count: count, key: 1), BlockPermutation(count: count, key: 2))
    // A random order agrees with another one, or with none, in about one place, and half of its steps go up.
    #expect((0..<count).filter { first[$0] == second[$0] }.count < 10)
    #expect((0..<count).filter { first[$0] == $0 }.count < 10)
    let rises = (1..<count).filter { first[$0] > first[$0 - 1] }.count
    #expect(abs(rises - count / 2) < 200)
  }

  @Test func largePermutation() {
    let order = BlockPermutation(count: 3_000_000_001, key: 4)
    let values = Set((0..<1000).map { order[$0] })
    #expect(values.count == 1000 && values.allSatisfy { $0 >= 0 && $0 < 3_000_000_001 })
  }

  @Test func tokenCounts() {
    let expected: [(String, Int?)] = [
      ("1B", 1_000_000_000), ("1.5B", 1_500_000_000), ("1.1B", 1_100_000_000), ("500M", 500_000_000), ("10k", 10_000),
      ("2T", 2_000_000_000_000), ("1_000", 1000), ("42", 42), ("0", 0), ("1e9", 1_000_000_000), ("", nil), ("B", nil),
      ("-1", nil), ("1.5", nil), ("x", nil), ("1BB", nil), ("1e30", nil), ("inf", nil), ("nan", nil), ("1.0001k", nil),
      ("99999999999999999999", nil), (" 1", nil),
    ]
    for (text, value) in expected { #expect(TokenCount.parse(text) == value, "\(text)") }
  }
}
