import Tensors

/// A pseudo-random order of 0..<count that needs no memory: a Feistel network over the next power of four, walked until it lands
/// below `count` (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002, the generalised Feistel with cycle walking).
struct BlockPermutation {
  private static let rounds: UInt64 = 6

  let count: Int
  private let key: UInt64
  private let halfBits: UInt64
  private let mask: UInt64

  init(count: Int, key: UInt64) {
    precondition(count > 0)
    self.count = count
    self.key = key
    let bits = UInt64(64 - UInt64(count - 1).leadingZeroBitCount)
    halfBits = max(1, (bits + 1) / 2)
    mask = 1 << halfBits - 1
  }

  /// Where the `index`-th of the order lies. The walk takes fewer than four steps on average: the domain is below 4 · count.
  subscript(index: Int) -> Int {
    precondition(index >= 0 && index < count)
    var value = UInt64(index)
    repeat { value = encrypt(value) } while value >= UInt64(count)
    return Int(value)
  }

  private func encrypt(_ value: UInt64) -> UInt64 {
    var left = value >> halfBits
    var right = value & mask
    for round in 0..<BlockPermutation.rounds {
      (left, right) = (right, left ^ (SplitMix64.value(seed: key, at: round << 32 | right) & mask))
    }
    return left << halfBits | right
  }
}
