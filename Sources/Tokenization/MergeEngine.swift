/// Merges the symbols of one word until no rule applies: always the rule of the lowest rank, of equal ones the
/// leftmost. So do `tokenizers` (models/bpe/word.rs, `merge_all`) and SentencePiece (bpe_model.cc, `SampleEncode`).
///
/// Keeps its memory between words.
struct MergeEngine {
  /// From this many symbols on a priority queue is used: the time grows with n log n, that of the search with n².
  private static let queueThreshold = 48
  /// How often two stretches of a very long word may fail to meet before it is merged as a whole.
  private static let mostAttempts = 32

  /// A longer word is merged in stretches of so many symbols: neither memory nor the time for a symbol grow with it.
  private let stretch: Int

  /// For each symbol the merge with its right neighbour.
  private var merges: [MergeTable.Merge] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  /// A binary heap; rank in the upper half, position in the lower.
  private var queue: [UInt64] = []

  /// - Parameter stretch: a few times the symbols of the longest token; another than the default is for tests.
  init(stretch: Int = 1 << 16) { self.stretch = stretch }

  /// Merges in place and returns how many symbols are left, in front.
  mutating func merge(_ symbols: UnsafeMutableBufferPointer<Int32>, table: MergeTable) -> Int {
    if symbols.count < 2 { return symbols.count }
    if symbols.count < MergeEngine.queueThreshold { return mergeBySearch(symbols, table) }
    return symbols.count <= stretch ? mergeByQueue(symbols, table) : mergeInStretches(symbols, table)
  }

  // MARK: - Short words

  private mutating func mergeBySearch(_ symbols: UnsafeMutableBufferPointer<Int32>, _ table: MergeTable) -> Int {
    if merges.count < MergeEngine.queueThreshold {
      merges = Array(repeating: MergeTable.none, count: MergeEngine.queueThreshold)
    }
    return merges.withUnsafeMutableBufferPointer { merges in
      var count = symbols.count
      for index in 0..<count - 1 { merges[index] = table.merge(symbols[index], symbols[index + 1]) }
      while count > 1 {
        var best = 0
        var rank = merges[0] >> 32
        for index in 1..<count - 1 where merges[index] >> 32 < rank {
          best = index
          rank = merges[index] >> 32
        }
        guard merges[best] != MergeTable.none else { break }
        symbols[best] = Int32(truncatingIfNeeded: merges[best])
        count -= 1
        for index in best + 1..<count {
          symbols[index] = symbols[index + 1]
          merges[index] = merges[index + 1]
        }
        if best + 1 < count { merges[best] = table.merge(symbols[best], symbols[best + 1]) }
        if best > 0 { merges[best - 1] = table.merge(symbols[best - 1], symbols[best]) }
      }
      return count
    }
  }

  // MARK: - Long words

  private mutating func mergeByQueue(_ symbols: UnsafeMutableBufferPointer<Int32>, _ table: MergeTable) -> Int {
    let count = symbols.count
    merges.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    queue.removeAll(keepingCapacity: true)
    for index in 0..<count {
      previous.append(Int32(index - 1))
      next.append(Int32(index + 1))
      let merge = index + 1 < count ? table.merge(symbols[index], symbols[index + 1]) : MergeTable.none
      merges.append(merge)
      if merge != MergeTable.none { queue.append(MergeEngine.entry(merge, index)) }
    }
    for parent in stride(from: queue.count / 2 - 1, through: 0, by: -1) { siftDown(parent) }

    while let first = queue.first {
      removeFirst()
      let position = Int(first & 0xFFFF_FFFF)
      // An entry is stale if the pair at its place is no longer of its rank.
      guard merges[position] >> 32 == first >> 32, merges[position] != MergeTable.none else { continue }
      symbols[position] = Int32(truncatingIfNeeded: merges[position])
      let removed = Int(next[position])
      merges[removed] = MergeTable.none
      next[position] = next[removed]
      if next[removed] < count { previous[Int(next[removed])] = Int32(position) }
      update(position, symbols, table)
      if previous[position] >= 0 { update(Int(previous[position]), symbols, table) }
    }

    var kept = 0
    var position = 0
    while position < count {
      symbols[kept] = symbols[position]
      kept += 1
      position = Int(next[position])
    }
    return kept
  }

  /// Looks the pair at a position up again.
  private mutating func update(_ position: Int, _ symbols: UnsafeMutableBufferPointer<Int32>, _ table: MergeTable) {
    let right = Int(next[position])
    merges[position] = right < symbols.count ? table.merge(symbols[position], symbols[right]) : MergeTable.none
    if merges[position] != MergeTable.none { insert(MergeEngine.entry(merges[position], position)) }
  }

  private static func entry(_ merge: MergeTable.Merge, _ position: Int) -> UInt64 {
    merge & 0xFFFF_FFFF_0000_0000 | UInt64(position)
  }

  private mutating func insert(_ entry: UInt64) {
    var child = queue.count
    queue.append(entry)
    while child > 0 {
      let parent = (child - 1) / 2
      guard queue[parent] > entry else { break }
      queue[child] = queue[parent]
      child = parent
    }
    queue[child] = entry
  }

  private mutating func removeFirst() {
    let last = queue.removeLast()
    guard !queue.isEmpty else { return }
    queue[0] = last
    siftDown(0)
  }

  private mutating func siftDown(_ start: Int) {
    let entry = queue[start]
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < queue.count else { break }
      if child + 1 < queue.count, queue[child + 1] < queue[child] { child += 1 }
      guard queue[child] < entry else { break }
      queue[parent] = queue[child]
      parent = child
    }
    queue[parent] = entry
  }

  // MARK: - Very long words

  /// Merges stretch by stretch, each from a place at which the one before ended a token.
  ///
  /// Tokens are those of the whole word if the symbols of any two neighbours, alone, are merged to just these two: the
  /// first merge over a place between two tokens would be the next one among the symbols of these two as well. Inside a
  /// stretch that holds; where two stretches meet it is tried, and at an earlier place if it fails.
  private mutating func mergeInStretches(_ symbols: UnsafeMutableBufferPointer<Int32>, _ table: MergeTable) -> Int {
    let original = Array(symbols)
    // Tokens so far, written in front of the symbols that they are made of.
    var count = 0
    // Where in `original` the tokens begin that the last stretch gave, and where the next stretch does.
    var starts = [0]
    var attempts = 0
    while let start = starts.last, start < original.count {
      let end = min(start + stretch, original.count)
      let part = UnsafeMutableBufferPointer(rebasing: symbols[start..<end])
      _ = part.update(fromContentsOf: original[start..<end])
      _ = mergeByQueue(part, table)
      let ends = endsOfTokens(part.count, from: start)
      if start > 0 {
        guard starts.count > 1, attempts < MergeEngine.mostAttempts else {
          _ = symbols.update(fromContentsOf: original)
          defer { self = MergeEngine(stretch: stretch) }
          return mergeByQueue(symbols, table)
        }
        let both = original[starts[starts.count - 2]..<ends[0]]
        guard areNeighbours(symbols[count - 1], part[0], both, table) else {
          starts.removeLast()
          count -= 1
          attempts += 1
          continue
        }
      }
      // What follows may still change the last tokens.
      let limit = end == original.count ? end : start + stretch / 4 * 3
      let kept = max(1, ends.prefix { $0 <= limit }.count)
      for index in 0..<kept { symbols[count + index] = part[index] }
      count += kept
      starts = [start] + ends[..<kept]
      attempts = 0
    }
    return count
  }

  /// Where the tokens of the last `mergeByQueue` end.
  private func endsOfTokens(_ symbolCount: Int, from start: Int) -> [Int] {
    var ends: [Int] = []
    var position = 0
    while position < symbolCount {
      position = Int(next[position])
      ends.append(start + position)
    }
    return ends
  }

  /// The symbols of two tokens are merged to these two.
  private mutating func areNeighbours(
    _ left: Int32, _ right: Int32, _ symbols: ArraySlice<Int32>, _ table: MergeTable
  ) -> Bool {
    var symbols = Array(symbols)
    return symbols.withUnsafeMutableBufferPointer { symbols in
      let count =
        symbols.count < MergeEngine.queueThreshold ? mergeBySearch(symbols, table) : mergeByQueue(symbols, table)
      return count == 2 && symbols[0] == left && symbols[1] == right
    }
  }
}
