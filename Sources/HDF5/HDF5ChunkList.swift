/// Where the chunks of a dataset are. Chunks are numbered in row-major order of the grid that they make.
struct HDF5ChunkList: Sendable {
  struct Chunk: Sendable {
    var number: Int
    /// In bytes from the beginning of the HDF5 file.
    var address: Int
    /// In the file.
    var size: Int
    /// Filters that it did not go through.
    var mask: UInt32
  }

  /// Chunks along each axis.
  let grid: [Int]
  /// In the order of their numbers; those that were never written are left out.
  private let chunks: [Chunk]

  /// - Throws: `HDF5Failure.damaged`.
  init(_ layout: HDF5ChunkLayout, shape: [Int], _ input: HDF5Input) throws(HDF5Failure) {
    var reader = HDF5ChunkListReader(layout, shape: shape, input)
    grid = reader.grid
    if !shape.contains(0) { try reader.read() }
    var chunks = reader.chunks
    chunks.sort { $0.number < $1.number }
    for (first, second) in zip(chunks, chunks.dropFirst()) where first.number == second.number {
      throw .damaged("chunk \(first.number) is there twice")
    }
    self.chunks = chunks
  }

  /// Nil for one that was never written.
  subscript(number: Int) -> Chunk? {
    // Most datasets have all of theirs.
    if number < chunks.count, chunks[number].number == number { return chunks[number] }
    var (low, high) = (0, chunks.count)
    while low < high {
      let middle = (low + high) / 2
      if chunks[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low < chunks.count && chunks[low].number == number ? chunks[low] : nil
  }
}

/// Reads the lists of chunks; each structure of the file once.
struct HDF5ChunkListReader {
  let layout: HDF5ChunkLayout
  let shape: [Int]
  let input: HDF5Input
  let grid: [Int]
  private(set) var chunks: [HDF5ChunkList.Chunk] = []
  private var visited: Set<Int> = []

  init(_ layout: HDF5ChunkLayout, shape: [Int], _ input: HDF5Input) {
    self.layout = layout
    self.shape = shape
    self.input = input
    grid = zip(shape, layout.chunk).map { $0 / $1 + ($0 % $1 > 0 ? 1 : 0) }
  }

  fileprivate mutating func read() throws(HDF5Failure) {
    switch layout.index {
    case .none: break
    case .treeVersion1(let root): try readTreeVersion1(root)
    case .single(let address, let size, let mask):
      guard grid.allSatisfy({ $0 == 1 }) else { throw .damaged("one chunk is said to be all, of a grid \(grid)") }
      try add(0, address: address, size: size ?? layout.byteCount, mask: mask)
    case .implicit(let address): try readImplicit(address)
    case .fixedArray(let address): try readFixedArray(address)
    case .extensibleArray(let address): try readExtensibleArray(address)
    case .treeVersion2(let address): try readTreeVersion2(address)
    }
  }

  mutating func visit(_ address: Int) throws(HDF5Failure) {
    guard visited.insert(address).inserted else {
      throw .damaged("the list of chunks at byte \(address) is used twice")
    }
  }

  mutating func add(_ number: Int, address: Int, size: Int, mask: UInt32) throws(HDF5Failure) {
    guard size > 0, size <= input.bytes.count, address <= input.bytes.count - size else {
      throw .damaged("a chunk of \(size) bytes at byte \(address) of a file of \(input.bytes.count)")
    }
    // No byte belongs to many of them.
    try input.charge(size)
    chunks.append(HDF5ChunkList.Chunk(number: number, address: address, size: size, mask: mask))
  }

  /// The number of the chunk at a place in the grid, of which `next` gives the coordinates one after the other; nil
  /// outside of the dataset, which may have been larger once.
  func number(_ next: (_ axis: Int) throws(HDF5Failure) -> Int) throws(HDF5Failure) -> Int? {
    var number = 0
    var isInside = true
    for axis in grid.indices {
      let coordinate = try next(axis)
      isInside = isInside && coordinate < grid[axis]
      if isInside { number = number * grid[axis] + coordinate }
    }
    return isInside ? number : nil
  }

  /// One chunk after the other, all of the largest grid.
  private mutating func readImplicit(_ address: Int) throws(HDF5Failure) {
    guard let places = HDF5ChunkPlaces(layout, grid: grid, growing: nil) else {
      throw .damaged("chunks one after the other in a dataset without limits")
    }
    for index in 0..<places.count {
      let (offset, overflow) = index.multipliedReportingOverflow(by: layout.byteCount)
      guard !overflow, offset <= input.bytes.count else { throw .damaged("chunks that lie outside the file") }
      guard let number = places.number(at: index) else { continue }
      try add(number, address: address + offset, size: layout.byteCount, mask: 0)
    }
  }

  // MARK: B-tree of version 1 (III.A.1)

  private mutating func readTreeVersion1(_ root: Int) throws(HDF5Failure) {
    let rank = grid.count
    let entrySize = 8 + 8 * (rank + 1) + 8
    var rest: [(address: Int, level: UInt8?)] = [(root, nil)]
    while let (address, expected) = rest.popLast() {
      try visit(address)
      var node = try input.structure("a B-tree of chunks", at: address, count: 24)
      try node.signature("TREE")
      guard try node.byte() == 1 else { throw node.damaged("a node of another kind of tree") }
      let level = try node.byte()
      guard level == expected ?? level else { throw node.damaged("level \(level) among nodes of another") }
      let count = try node.size(bytes: 2)
      var entries = try input.structure("a B-tree of chunks", at: address + 24, count: entrySize * count)
      for _ in 0..<count {
        let size = try entries.size(bytes: 4)
        let mask = try entries.number(UInt32.self)
        let start = entries
        let number = try number { [layout] axis throws(HDF5Failure) in
          let (coordinate, rest) = try entries.size().quotientAndRemainder(dividingBy: layout.chunk[axis])
          guard rest == 0 else { throw start.damaged("a chunk that does not begin where one does") }
          return coordinate
        }
        try entries.skip(8)
        guard let child = try entries.address() else { throw entries.damaged("a child without an address") }
        if level > 0 {
          rest.append((child, level - 1))
        } else if let number {
          try add(number, address: child, size: size, mask: mask)
        }
      }
    }
  }
}

/// The places of chunks in lists that have one for every chunk that the dataset may ever have.
struct HDF5ChunkPlaces {
  private let axes: [(size: Int, grid: Int, stride: Int)]

  /// Nil where an axis other than `growing`, which comes first then, has no limit.
  init?(_ layout: HDF5ChunkLayout, grid: [Int], growing: Int?) {
    var strides = [Int](repeating: 1, count: grid.count)
    for axis in grid.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * grid[axis + 1] }
    var axes: [(size: Int, grid: Int, stride: Int)] = []
    for axis in (growing.map { [$0] } ?? []) + grid.indices.filter({ $0 != growing }) {
      if axis == growing {
        axes.append((.max, grid[axis], strides[axis]))
      } else {
        guard let limit = layout.limits[axis] else { return nil }
        let chunk = layout.chunk[axis]
        axes.append((limit / chunk + (limit % chunk > 0 ? 1 : 0), grid[axis], strides[axis]))
      }
    }
    self.axes = axes
  }

  /// All places, without a growing axis.
  var count: Int {
    axes.reduce(1) { count, axis in
      let (product, overflow) = count.multipliedReportingOverflow(by: axis.size)
      return overflow ? .max : product
    }
  }

  /// The number in the grid of the chunk at a place; nil outside of the dataset.
  func number(at place: Int) -> Int? {
    var (rest, number) = (place, 0)
    for axis in axes.reversed() {
      guard axis.size > 0 else { return nil }
      let (quotient, coordinate) = rest.quotientAndRemainder(dividingBy: axis.size)
      guard coordinate < axis.grid else { return nil }
      number += coordinate * axis.stride
      rest = quotient
    }
    return rest == 0 ? number : nil
  }
}
