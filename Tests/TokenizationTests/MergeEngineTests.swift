import TestSupport
import Testing

@testable import Tokenization

struct MergeEngineTests {
  /// The definition itself: the lowest rank anywhere, the leftmost of equals, again and again.
  private func reference(_ symbols: [Int32], _ table: MergeTable) -> [Int32] {
    var symbols = symbols
    while symbols.count > 1 {
      let merges = zip(symbols, symbols.dropFirst()).map { table.merge($0, $1) }
      guard let rank = merges.map({ $0 >> 32 }).min(), let at = merges.firstIndex(where: { $0 >> 32 == rank }),
        merges[at] != MergeTable.none
      else { break }
      symbols[at] = Int32(truncatingIfNeeded: merges[at])
      symbols.remove(at: at + 1)
    }
    return symbols
  }

  private func merged(_ symbols: [Int32], _ table: MergeTable, _ engine: inout MergeEngine) -> [Int32] {
    var symbols = symbols
    let count = symbols.withUnsafeMutableBufferPointer { engine.merge($0, table: table) }
    return Array(symbols[..<count])
  }

  /// Few letters and many rules, ranks in no order and some of them equal: merges overlap everywhere.
  @Test func agreesWithTheDefinition() {
    var random = SeededGenerator(seed: 7)
    var engine = MergeEngine()
    var stretching = MergeEngine(stretch: 50)
    for round in 0..<60 {
      var rules: [MergeTable.Rule] = []
      for result in Int32(3)..<40 {
        rules.append(
          .init(
            left: .random(in: 0..<result, using: &random), right: .random(in: 0..<result, using: &random),
            rank: .random(in: 0..<(round % 2 == 0 ? 1000 : 8), using: &random), result: result))
      }
      let table = MergeTable(rules)
      // Both ways of merging: below and above the number of symbols from which on a queue is used.
      for count in [0, 1, 2, 3, 10, 47, 48, 49, 300] {
        let symbols = (0..<count).map { _ in Int32.random(in: 0..<3, using: &random) }
        let expected = reference(symbols, table)
        #expect(merged(symbols, table, &engine) == expected)
        #expect(merged(symbols, table, &stretching) == expected)
      }
    }
  }

  @Test func theLaterOfTwoRulesCounts() {
    let table = MergeTable([
      .init(left: 0, right: 1, rank: 0, result: 2), .init(left: 0, right: 1, rank: 5, result: 3),
    ])
    #expect(table.merge(0, 1) == 5 << 32 | 3)
    #expect(table.merge(1, 0) == MergeTable.none)
  }

  /// A million symbols that all merge, many times over; with a search for each merge this would take hours.
  @Test(.timeLimit(.minutes(1)))
  func longWordsTakeNearlyLinearTime() {
    let table = MergeTable((0..<16).map { .init(left: $0, right: $0, rank: UInt32($0), result: $0 + 1) })
    var engine = MergeEngine()
    #expect(merged(Array(repeating: 0, count: 1 << 20), table, &engine) == Array(repeating: 16, count: 16))
  }
}
