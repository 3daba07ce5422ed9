import HDF5

/// Datasets in chunks, whose lists are of every kind. Each has a few nodes or blocks.
extension HDF5Fixture {
  public enum ChunkList: String, CaseIterable, Sendable {
    case treeVersion1, single, implicit, fixedArray, pagedFixedArray, extensibleArray, treeVersion2
  }

  /// A chunk that has gone through its filters.
  public struct Chunk {
    /// The place in the grid.
    public var place: [Int]
    public var bytes: [UInt8]
    public var mask: Int

    public init(_ place: [Int], _ bytes: [UInt8], mask: Int = 0) {
      self.place = place
      self.bytes = bytes
      self.mask = mask
    }
  }

  /// Stores the chunks and a list of them, and returns the layout message that says so.
  /// - Parameters:
  ///   - chunks: in the order of their numbers; not all need be there, but in `implicit`.
  ///   - grid: chunks along each axis, of as many as there may ever be.
  public mutating func chunked(
    _ list: ChunkList, _ chunks: [Chunk], chunk: [Int], grid: [Int], elementSize: Int, isFiltered: Bool = false
  ) -> Message {
    let addresses = chunks.map { append($0.bytes) }
    let rank = chunk.count
    func number(_ place: [Int]) -> Int { zip(place, grid).reduce(0) { $0 * $1.1 + $1.0 } }
    func n(_ value: Int, _ size: Int) -> [UInt8] { HDF5Fixture.number(value, size) }
    /// An element of an array: an address, and what filters left.
    func element(_ index: Int?) -> [UInt8] {
      guard let index else { return n(-1, 8) + (isFiltered ? n(0, 6) : []) }
      return n(addresses[index], 8) + (isFiltered ? n(chunks[index].bytes.count, 2) + n(chunks[index].mask, 4) : [])
    }
    let elementBytes = isFiltered ? 14 : 8
    let client: UInt8 = isFiltered ? 1 : 0
    let total = grid.reduce(1, *)
    let elements = (0..<total).map { at in element(chunks.firstIndex { number($0.place) == at }) }
    let sizes = chunk.flatMap { n($0, 4) } + n(elementSize, 4)
    func version4(_ kind: UInt8, flags: UInt8 = 0, _ parameters: [UInt8], _ address: Int) -> Message {
      (.layout, [4, 2, flags, UInt8(rank + 1), 4] + sizes + [kind] + parameters + n(address, 8))
    }
    switch list {
    case .treeVersion1:
      var node = Array("TREE".utf8) + [1, 0] + n(chunks.count, 2) + n(-1, 8) + n(-1, 8)
      for (part, address) in zip(chunks, addresses) {
        node += n(part.bytes.count, 4) + n(part.mask, 4)
        node += zip(part.place, chunk).flatMap { n($0 * $1, 8) } + n(0, 8) + n(address, 8)
      }
      node += [UInt8](repeating: 0, count: 8 + 8 * (rank + 1))
      return (.layout, [3, 2, UInt8(rank + 1)] + n(append(node), 8) + sizes)
    case .single:
      return version4(
        1, flags: isFiltered ? 2 : 0, isFiltered ? n(chunks[0].bytes.count, 8) + n(chunks[0].mask, 4) : [], addresses[0]
      )
    case .implicit: return version4(2, [], append(chunks.flatMap(\.bytes)))
    case .fixedArray, .pagedFixedArray:
      let pageBits: UInt8 = list == .fixedArray ? 10 : 1
      let header = append([UInt8](repeating: 0, count: 28))
      let prefix = Array("FADB".utf8) + [0, client] + n(header, 8)
      let block: Int
      if list == .fixedArray {
        block = append(HDF5Fixture.checked(prefix + elements.joined()))
      } else {
        // Pages of two elements, of which those without a chunk were never written.
        let pages = stride(from: 0, to: total, by: 2).map { Array(elements[$0..<min($0 + 2, total)]) }
        var map = [UInt8](repeating: 0, count: (pages.count + 7) / 8)
        for (index, page) in pages.enumerated() where page.contains(where: { $0 != element(nil) }) {
          map[index / 8] |= 0x80 >> UInt8(index % 8)
        }
        block = append(
          HDF5Fixture.checked(prefix + map) + pages.flatMap { HDF5Fixture.checked(Array($0.joined())) })
      }
      fill(
        header,
        HDF5Fixture.checked(
          Array("FAHD".utf8) + [0, client, UInt8(elementBytes), pageBits] + n(total, 8) + n(block, 8)))
      return version4(3, [pageBits], header)
    case .extensibleArray:
      // The first axis grows. Two elements in the index, then blocks of 2, 2 × 2 elements in the index' lists.
      let header = append([UInt8](repeating: 0, count: 72))
      func part(_ range: Range<Int>) -> [UInt8] { range.flatMap { $0 < total ? elements[$0] : element(nil) } }
      func block(_ range: Range<Int>) -> [UInt8] {
        Array("EADB".utf8) + [0, client] + n(header, 8) + n(range.lowerBound, 1) + part(range)
      }
      let blocks = [append(HDF5Fixture.checked(block(2..<4))), append(HDF5Fixture.checked(block(4..<8)))]
      // Levels 2 and later are in secondary blocks: the first has two data blocks of four.
      let later = [append(HDF5Fixture.checked(block(8..<12))), append(HDF5Fixture.checked(block(12..<16)))]
      let secondary = append(
        HDF5Fixture.checked(
          Array("EASB".utf8) + [0, client] + n(header, 8) + n(6, 1) + later.flatMap { n($0, 8) }))
      let index = append(
        HDF5Fixture.checked(
          Array("EAIB".utf8) + [0, client] + n(header, 8) + part(0..<2) + blocks.flatMap { n($0, 8) } + n(secondary, 8)
            + [UInt8](repeating: 0xFF, count: 8 * 5)))
      let parameters: [UInt8] = [8, 2, 2, 2, 10]
      fill(
        header,
        HDF5Fixture.checked(
          Array("EAHD".utf8) + [0, client, UInt8(elementBytes)] + parameters + [UInt8](repeating: 0, count: 48)
            + n(index, 8)))
      return version4(4, [8, 2, 2, 2, 10], header)
    case .treeVersion2:
      let type: UInt8 = isFiltered ? 11 : 10
      let recordSize = (isFiltered ? 14 : 8) + 8 * rank
      func record(_ index: Int) -> [UInt8] { element(index) + chunks[index].place.flatMap { n($0, 8) } }
      // A root of one record between two leaves.
      let middle = chunks.count / 2
      func leaf(_ range: Range<Int>) -> Int {
        append(HDF5Fixture.checked(Array("BTLF".utf8) + [0, type] + range.flatMap(record)))
      }
      let leaves = [0..<middle, middle + 1..<chunks.count]
      let pointers = leaves.flatMap { n(leaf($0), 8) + n($0.count, 1) }
      let root = append(HDF5Fixture.checked(Array("BTIN".utf8) + [0, type] + record(middle) + pointers))
      let head = Array("BTHD".utf8) + [0, type] + n(512, 4) + n(recordSize, 2) + n(1, 2) + [100, 40]
      let header = append(HDF5Fixture.checked(head + n(root, 8) + n(1, 2) + n(chunks.count, 8)))
      return version4(5, n(512, 4) + [100, 40], header)
    }
  }

  public static func checked(_ bytes: [UInt8]) -> [UInt8] {
    bytes + number(Int(bytes.withUnsafeBytes { HDF5Checksum.of($0) }), 4)
  }

  /// A dataspace that may grow; nil for no limit.
  public static func dataspace(_ shape: [Int], limits: [Int?]) -> Message {
    (
      .dataspace,
      [1, UInt8(shape.count), 1, 0, 0, 0, 0, 0] + shape.flatMap { number($0, 8) }
        + limits.flatMap { number($0 ?? -1, 8) }
    )
  }

  /// Filters by their numbers, with the values that they were made with.
  public static func filters(_ filters: [(number: Int, values: [Int])]) -> Message {
    var body: [UInt8] = []
    for filter in filters {
      body += number(filter.number, 2) + number(0, 4) + number(filter.values.count, 2)
      body += filter.values.flatMap { number($0, 4) }
      if filter.values.count % 2 == 1 { body += [0, 0, 0, 0] }
    }
    return (.filters, [1, UInt8(filters.count), 0, 0, 0, 0, 0, 0] + body)
  }

  public static func fillValue(_ bytes: [UInt8]) -> Message {
    (.fillValue, [3, 0x20] + number(bytes.count, 4) + bytes)
  }
}
