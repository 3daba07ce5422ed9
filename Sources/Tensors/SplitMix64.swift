/// SplitMix64: a counter-based generator. Its n-th value depends on the seed and n alone, so its whole state is one count, and
/// a saved run goes on at any place. Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), with
/// the constants of Vigna's public-domain splitmix64.c.
public struct SplitMix64: Sendable, Equatable {
  public let seed: UInt64
  /// How many values were drawn.
  public private(set) var draws: UInt64

  public init(seed: UInt64, draws: UInt64 = 0) {
    self.seed = seed
    self.draws = draws
  }

  /// The value at `index` (from 0) of the sequence of `seed`.
  @inlinable
  public static func value(seed: UInt64, at index: UInt64) -> UInt64 {
    var z = seed &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public mutating func next() -> UInt64 {
    defer { draws &+= 1 }
    return SplitMix64.value(seed: seed, at: draws)
  }

  /// Uniform in 0..<bound, without bias (Lemire, "Fast Random Integer Generation in an Interval", 2019).
  public mutating func next(below bound: Int) -> Int {
    precondition(bound > 0)
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// Uniform in [0, 1) with 53 bits.
  public mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
