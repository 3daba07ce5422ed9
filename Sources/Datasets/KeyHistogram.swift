/// Tokens by key, for the documents whose keys are small enough for a sample: finds the key from which on no document can be
/// part of it, in memory of a fixed size.
///
/// A key belongs to bin `key >> shift`. `bins` falls as tokens come, and never below what the wanted tokens need; when half of
/// the bins are out of use, they can be made narrower.
struct KeyHistogram {
  static let mostBins = 1 << 16

  private(set) var shift: Int
  /// Bins in use, from 0.
  private(set) var bins: Int
  /// Tokens in each bin, and in all that are in use.
  private(set) var counts = [Int](repeating: 0, count: mostBins)
  private(set) var total = 0

  /// For every key.
  init() { self.init(shift: 48, bins: KeyHistogram.mostBins) }

  init(shift: Int, bins: Int) {
    self.shift = shift
    self.bins = bins
  }

  func admits(_ key: UInt64) -> Bool { key >> UInt64(shift) < bins }

  /// The largest key that is admitted.
  var largestKey: UInt64 { UInt64(bins - 1) << UInt64(shift) | ((1 << UInt64(shift)) - 1) }

  /// - Precondition: the key is admitted.
  mutating func add(_ key: UInt64, tokens: Int) {
    counts[Int(key >> UInt64(shift))] += tokens
    total += tokens
  }

  /// Gives up the last bins as long as the others have `wanted` tokens.
  /// - Returns: whether there were such.
  mutating func lower(keeping wanted: Int) -> Bool {
    let before = bins
    while bins > 1, total - counts[bins - 1] >= wanted {
      bins -= 1
      total -= counts[bins]
      counts[bins] = 0
    }
    return bins < before
  }

  /// Empty, for the same keys in the narrowest bins.
  var refined: KeyHistogram {
    let finer = min(shift, (KeyHistogram.mostBins / bins).floorLog2)
    return KeyHistogram(shift: shift - finer, bins: bins << finer)
  }
}

extension Int {
  /// ⌊log₂⌋ of a positive number.
  fileprivate var floorLog2: Int { Int.bitWidth - 1 - leadingZeroBitCount }
}
