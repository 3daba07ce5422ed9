/// Python's `random.Random`: the Mersenne Twister MT19937 with Python's seeding and its `random` and `sample`.
///
/// The harness seeds its bootstrap and its few-shot draws with it, so equal numbers need an equal generator. Source:
/// Matsumoto and Nishimura 1998; the derived draws follow CPython's documented behaviour.
struct PythonRandom: Sendable {
  private static let size = 624
  private static let middle = 397
  private var state: [UInt32]
  private var index: Int

  /// `random.Random(seed)`: the words of the absolute value, least significant first, feed `init_by_array`.
  init(seed: Int) {
    var words: [UInt32] = []
    var rest = UInt64(seed.magnitude)
    repeat {
      words.append(UInt32(truncatingIfNeeded: rest))
      rest >>= 32
    } while rest != 0
    state = [UInt32](repeating: 0, count: Self.size)
    index = Self.size
    initialize(words)
  }

  private mutating func initialize(_ key: [UInt32]) {
    let n = Self.size
    state[0] = 19_650_218
    for i in 1..<n {
      state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i)
    }
    var i = 1
    var j = 0
    for _ in 0..<max(n, key.count) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_664_525)) &+ key[j] &+ UInt32(j)
      i += 1
      j += 1
      if i >= n {
        state[0] = state[n - 1]
        i = 1
      }
      if j >= key.count { j = 0 }
    }
    for _ in 0..<(n - 1) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_566_083_941)) &- UInt32(i)
      i += 1
      if i >= n {
        state[0] = state[n - 1]
        i = 1
      }
    }
    state[0] = 0x8000_0000
    index = n
  }

  private mutating func refill() {
    let n = Self.size
    let m = Self.middle
    state.withUnsafeMutableBufferPointer { s in
      @inline(__always) func twist(_ high: UInt32, _ low: UInt32) -> UInt32 {
        let y = (high & 0x8000_0000) | (low & 0x7FFF_FFFF)
        return (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908_B0DF)
      }
      for k in 0..<(n - m) { s[k] = s[k + m] ^ twist(s[k], s[k + 1]) }
      for k in (n - m)..<(n - 1) { s[k] = s[k + m - n] ^ twist(s[k], s[k + 1]) }
      s[n - 1] = s[m - 1] ^ twist(s[n - 1], s[0])
    }
    index = 0
  }

  /// The next 32 bits, `getrandbits(32)`.
  mutating func next32() -> UInt32 {
    if index >= Self.size { refill() }
    var y = state[index]
    index += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    y ^= y >> 18
    return y
  }

  /// `random()`: 53 bits in [0, 1).
  mutating func random() -> Double {
    let a = next32() >> 5
    let b = next32() >> 6
    return (Double(a) * 67_108_864 + Double(b)) * (1 / 9_007_199_254_740_992)
  }

  /// `_randbelow(n)` for 1 ≤ n < 2³²: draws of as many bits as n has, until one is below n.
  mutating func below(_ n: Int) -> Int {
    precondition(n > 0 && n <= Int(UInt32.max), "below(\(n)) is outside 1..<2^32")
    let bits = Int.bitWidth - n.leadingZeroBitCount
    while true {
      let draw = Int(next32() >> UInt32(32 - bits))
      if draw < n { return draw }
    }
  }

  /// `sample(range(n), k)`: k different indices in the order drawn; k ≤ n.
  mutating func sample(_ n: Int, _ k: Int) -> [Int] {
    precondition(k >= 0 && k <= n, "a sample of \(k) from \(n)")
    var setSize = 21
    if k > 5 {
      // 4 ** ceil(log(3k, 4)), without the logarithm
      var power = 1
      while power < 3 * k { power *= 4 }
      setSize += power
    }
    var result: [Int] = []
    result.reserveCapacity(k)
    if n <= setSize {
      var pool = Array(0..<n)
      for i in 0..<k {
        let j = below(n - i)
        result.append(pool[j])
        pool[j] = pool[n - i - 1]
      }
    } else {
      var seen: Set<Int> = []
      for _ in 0..<k {
        var j = below(n)
        while !seen.insert(j).inserted { j = below(n) }
        result.append(j)
      }
    }
    return result
  }
}
