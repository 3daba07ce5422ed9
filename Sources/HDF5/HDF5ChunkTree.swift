/// Chunks of datasets that grow along several axes, in a B-tree of version 2. (HDF5 file format specification 3.0,
/// III.A.2.)
extension HDF5ChunkListReader {
  /// What the nodes at a depth hold: 0 for leaves.
  private struct Level {
    var mostRecords: Int
    /// In the node and below it.
    var mostRecordsBelow: Int
    /// Bytes of a pointer to a node of the level below.
    var pointerSize: Int
  }

  private struct Tree {
    var recordType: UInt8
    var recordSize: Int
    /// Of the number of records in a node.
    var countWidth: Int
    var levels: [Level]
  }

  /// Signature, version, type, and the checksum at the end.
  private static var nodeOverhead: Int { 10 }

  private static func width(_ largest: Int) -> Int { (Int.bitWidth - largest.leadingZeroBitCount - 1) / 8 + 1 }

  mutating func readTreeVersion2(_ address: Int) throws(HDF5Failure) {
    try visit(address)
    var head = try input.checkedStructure("a B-tree of chunks", at: address, count: 38)
    try head.signature("BTHD")
    try head.version(0)
    let type = try head.byte()
    let nodeSize = try head.size(bytes: 4)
    let recordSize = try head.size(bytes: 2)
    let depth = try head.size(bytes: 2)
    try head.skip(2)
    let root = try head.address()
    let count = try head.size(bytes: 2)
    let plain = 8 + 8 * grid.count
    guard type == 10 ? recordSize == plain : type == 11 && (5...12).contains(recordSize - plain) else {
      throw head.damaged("records of type \(type) and \(recordSize) bytes")
    }
    guard depth < 32 else { throw head.damaged("a depth of \(depth)") }
    let overhead = HDF5ChunkListReader.nodeOverhead
    let leaf = (nodeSize - overhead) / recordSize
    guard leaf > 0 else { throw head.damaged("nodes of \(nodeSize) bytes") }
    var levels = [Level(mostRecords: leaf, mostRecordsBelow: leaf, pointerSize: 0)]
    let countWidth = HDF5ChunkListReader.width(leaf)
    for level in 0..<depth {
      let below = levels[level]
      let pointer = 8 + countWidth + (level == 0 ? 0 : HDF5ChunkListReader.width(below.mostRecordsBelow))
      let most = (nodeSize - overhead - pointer) / (recordSize + pointer)
      let (product, overflow) = (max(most, 0) + 1).multipliedReportingOverflow(by: below.mostRecordsBelow)
      guard most > 0, !overflow, product < 1 << 62 else { throw head.damaged("a depth of \(depth)") }
      levels.append(Level(mostRecords: most, mostRecordsBelow: product + most, pointerSize: pointer))
    }
    guard let root else { return }
    let tree = Tree(recordType: type, recordSize: recordSize, countWidth: countWidth, levels: levels)
    var rest = [(address: root, count: count, level: depth)]
    while let (address, count, level) = rest.popLast() {
      for child in try readNode(tree, at: address, count: count, level: level) {
        rest.append((child.address, child.count, level - 1))
      }
    }
  }

  /// Returns the nodes below it.
  private mutating func readNode(
    _ tree: Tree, at address: Int, count: Int, level: Int
  ) throws(HDF5Failure) -> [(address: Int, count: Int)] {
    try visit(address)
    guard count <= tree.levels[level].mostRecords else {
      throw .damaged("a node of \(count) chunks at byte \(address)")
    }
    let pointerSize = tree.levels[level].pointerSize
    var node = try input.checkedStructure(
      "a B-tree of chunks", at: address,
      count: HDF5ChunkListReader.nodeOverhead + count * tree.recordSize + (level > 0 ? (count + 1) * pointerSize : 0))
    try node.signature(level > 0 ? "BTIN" : "BTLF")
    try node.version(0)
    guard try node.byte() == tree.recordType else { throw node.damaged("records of another type") }
    for _ in 0..<count {
      let chunk = try node.address()
      let isFiltered = tree.recordType == 11
      let size = isFiltered ? try node.size(bytes: tree.recordSize - 12 - 8 * grid.count) : layout.byteCount
      let mask = isFiltered ? try node.number(UInt32.self) : 0
      let number = try number { _ throws(HDF5Failure) in try node.size() }
      if let chunk, let number { try add(number, address: chunk, size: size, mask: mask) }
    }
    guard level > 0 else { return [] }
    var children: [(address: Int, count: Int)] = []
    for _ in 0...count {
      var pointer = try node.part(pointerSize)
      guard let child = try pointer.address() else { throw node.damaged("a child without an address") }
      children.append((child, try pointer.size(bytes: tree.countWidth)))
    }
    return children
  }
}
