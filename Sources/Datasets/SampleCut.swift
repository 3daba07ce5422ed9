/// Where a sample ends: every document with a smaller key is part of it, and the first tokens of one more.
struct SampleCut {
  /// More keys than this are not sorted at once.
  static let sortedEntries = 1 << 16

  let key: UInt64
  /// The document that is cut, by its number among the candidates, and how many of its tokens are part of the sample.
  let entry: Int
  let tokens: Int

  /// How many of a document's tokens are part of the sample; nil if it is not.
  func tokens(of entry: SampleFiles.Entry, number: Int) -> Int? {
    if entry.key != key { return entry.key < key ? entry.tokens : nil }
    // Equal keys, which different documents hardly have: the earlier one comes first.
    if number != self.entry { return number < self.entry ? entry.tokens : nil }
    return tokens
  }

  /// Finds the cut in the files on the disk, in memory of a fixed size.
  /// - Parameter histogram: of the candidates; those that it does not admit are not part of the sample.
  /// - Returns: nil if there are no more than `wanted` tokens.
  init?(
    _ files: SampleFiles, _ histogram: KeyHistogram, wanted: Int, sortedEntries: Int = SampleCut.sortedEntries
  ) throws {
    guard histogram.total > wanted else { return nil }
    var shift = UInt64(histogram.shift)
    var (bin, before) = SampleCut.bin(of: histogram.counts, wanted)
    // The keys are those with this value above `shift`.
    var prefix = UInt64(bin)
    while true {
      if let cut = try SampleCut.sorted(files, prefix, shift, wanted - before, limit: shift == 0 ? .max : sortedEntries)
      {
        self = cut
        return
      }
      // Too many for one sort: a finer histogram of these keys alone.
      let finer = min(16, shift)
      var counts = [Int](repeating: 0, count: 1 << finer)
      shift -= finer
      try files.forEachEntry { _, entry in
        if (entry.key >> shift) >> finer == prefix {
          counts[Int(entry.key >> shift & (1 << finer - 1))] += entry.tokens
        }
      }
      let found = SampleCut.bin(of: counts, wanted - before)
      bin = found.bin
      before += found.before
      prefix = prefix << finer | UInt64(bin)
    }
  }

  private init(key: UInt64, entry: Int, tokens: Int) {
    self.key = key
    self.entry = entry
    self.tokens = tokens
  }

  /// The bin in which the wanted tokens are reached, and how many are before it.
  private static func bin(of counts: [Int], _ wanted: Int) -> (bin: Int, before: Int) {
    var before = 0
    for (bin, count) in counts.enumerated() {
      if before + count >= wanted { return (bin, before) }
      before += count
    }
    return (counts.count - 1, before)
  }

  /// Sorts the documents whose keys are `prefix` above `shift`.
  /// - Returns: nil if these are more than `limit`.
  private static func sorted(
    _ files: SampleFiles, _ prefix: UInt64, _ shift: UInt64, _ wanted: Int, limit: Int
  ) throws -> SampleCut? {
    var found: [(key: UInt64, number: Int, tokens: Int)] = []
    var isComplete = true
    try files.forEachEntry { number, entry in
      guard entry.key >> shift == prefix else { return }
      isComplete = isComplete && found.count < limit
      if isComplete { found.append((entry.key, number, entry.tokens)) }
    }
    guard isComplete else { return nil }
    found.sort { ($0.key, $0.number) < ($1.key, $1.number) }
    var left = wanted
    for candidate in found {
      if candidate.tokens >= left {
        return SampleCut(key: candidate.key, entry: candidate.number, tokens: left)
      }
      left -= candidate.tokens
    }
    return nil
  }
}
