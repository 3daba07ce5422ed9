/// Places values with lifetimes in one arena so that no two live values overlap.
///
/// Greedy by size, largest first, each at the lowest address that is free during its whole lifetime (the
/// "greedy by size for offset calculation" strategy of Pisarchyk and Lee, arXiv 2001.03288).
struct Placement {
  /// Every offset is a multiple of this: a cache line, and enough for any vector load.
  static let alignment = 64

  struct Item {
    var size: Int
    var lifetime: ClosedRange<Int>
  }

  /// Byte offset of each item, in the order given.
  private(set) var offsets: [Int]
  /// Bytes of the whole arena.
  private(set) var size = 0

  init(_ items: [Item]) {
    offsets = [Int](repeating: 0, count: items.count)
    let order = items.indices.sorted {
      (items[$0].size, items[$1].lifetime.lowerBound, $1) > (items[$1].size, items[$0].lifetime.lowerBound, $0)
    }
    /// Already placed items, sorted by offset.
    var placed: [Int] = []
    placed.reserveCapacity(items.count)
    for index in order {
      let item = items[index]
      let needed = (item.size + Self.alignment - 1) / Self.alignment * Self.alignment
      var offset = 0
      for other in placed where items[other].lifetime.overlaps(item.lifetime) {
        if offsets[other] >= offset + needed { break }
        let end = offsets[other] + (items[other].size + Self.alignment - 1) / Self.alignment * Self.alignment
        offset = max(offset, end)
      }
      offsets[index] = offset
      size = max(size, offset + needed)
      var low = 0
      var high = placed.count
      while low < high {
        let middle = (low + high) / 2
        if offsets[placed[middle]] <= offset { low = middle + 1 } else { high = middle }
      }
      placed.insert(index, at: low)
    }
  }
}
