/// The merges of a byte-pair encoding: which two neighbouring symbols become which one, and in what order.
final class MergeTable: @unchecked Sendable {
  // Unchecked: the memory is written in `init` only.

  /// Rank in the upper half, the new symbol in the lower. A lower rank is merged first.
  typealias Merge = UInt64
  static let none = Merge.max

  /// Two symbols, the left one in the upper half.
  private struct Slot {
    var pair: UInt64
    var merge: Merge
  }

  private let slots: UnsafeMutablePointer<Slot>
  private let mask: Int
  /// See `TokenIndex.seed`.
  private let seed: UInt64
  struct Rule {
    var left: Int32
    var right: Int32
    var rank: UInt32
    var result: Int32
  }

  /// A pair that occurs twice has the later rule, as in `tokenizers`.
  /// - Parameter rules: symbols are not negative.
  init(_ rules: [Rule]) {
    let slotCount = TokenIndex.slotCount(for: rules.count)
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: Slot(pair: .max, merge: MergeTable.none), count: slotCount)
    mask = slotCount - 1
    seed = UInt64.random(in: .min ... .max)
    for rule in rules {
      let pair = MergeTable.pair(rule.left, rule.right)
      var slot = Int(truncatingIfNeeded: TokenIndex.mix(pair ^ seed)) & mask
      while slots[slot].pair != pair && slots[slot].pair != .max { slot = (slot + 1) & mask }
      slots[slot] = Slot(pair: pair, merge: UInt64(rule.rank) << 32 | UInt64(UInt32(bitPattern: rule.result)))
    }
  }

  deinit { slots.deallocate() }

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// What becomes of two neighbours; `none` if they stay apart.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> Merge {
    let pair = MergeTable.pair(left, right)
    var slot = Int(truncatingIfNeeded: TokenIndex.mix(pair ^ seed)) & mask
    while true {
      let found = slots[slot]
      if found.pair == pair { return found.merge }
      if found.pair == .max { return MergeTable.none }
      slot = (slot + 1) & mask
    }
  }
}
