import Tensors

/// The same numbers in every run.
public struct SeededGenerator: RandomNumberGenerator {
  private var random: SplitMix64

  public init(seed: UInt64) { random = SplitMix64(seed: seed) }

  public mutating func next() -> UInt64 { random.next() }
}
