import Files

/// How a dataset is cut into chunks, and where the list of them is. (HDF5 file format specification 3.0, IV.A.2.i,
/// layouts of version 3 and 4; version 5 of HDF5 2.0 differs in the width of sizes, which each list says itself.)
struct HDF5ChunkLayout: Sendable {
  /// Larger chunks cannot be read by pieces: h5py's own are at most 1 MiB, and 4 GiB what the format has.
  private static let mostBytes = 1 << 28

  /// The list of the chunks.
  enum Index: Sendable {
    /// Nothing was ever written.
    case none
    case treeVersion1(Int)
    /// One chunk is all; a size and a mask where it is filtered.
    case single(Int, size: Int?, mask: UInt32)
    /// All chunks one after the other.
    case implicit(Int)
    case fixedArray(Int)
    case extensibleArray(Int)
    case treeVersion2(Int)
  }

  /// Elements of one chunk along each axis.
  let chunk: [Int]
  /// Of a whole chunk, without filters.
  let byteCount: Int
  let index: Index
  let filters: HDF5Filters
  /// Whether chunks that reach over the dataset's edge are not filtered.
  let leavesEdgesUnfiltered: Bool
  /// The bytes of an element that was never written.
  let fillValue: [UInt8]
  let limits: [Int?]

  /// - Parameter body: the layout message behind its class.
  init(
    version: UInt8, _ body: HDF5Cursor, _ object: HDF5Object, space: HDF5Dataspace, elementSize: Int
  ) throws(HDF5Failure) {
    var body = body
    let flags = version == 3 ? 0 : try body.byte()
    // The element's size is one more.
    let rank = Int(try body.byte()) - 1
    guard rank == space.shape.count, rank > 0 else {
      throw body.damaged("chunks of \(rank) dimensions in a dataset of \(space.shape.count)")
    }
    let address = version == 3 ? try body.address() : nil
    let width = version == 3 ? 4 : Int(try body.byte())
    guard (1...8).contains(width) else { throw body.damaged("sizes of \(width) bytes") }
    var chunk: [Int] = []
    for _ in 0..<rank { chunk.append(try body.size(bytes: width)) }
    let stored = try body.size(bytes: width)
    guard stored == elementSize, chunk.allSatisfy({ $0 > 0 }) else {
      throw body.damaged("chunks \(chunk) of elements of \(stored) bytes, expected \(elementSize)")
    }
    guard let byteCount = HDF5Dataspace.byteCount(of: chunk, elementSize: elementSize),
      byteCount <= HDF5ChunkLayout.mostBytes
    else {
      throw .unsupported(
        "chunks \(chunk) of more than \(HDF5ChunkLayout.mostBytes >> 20) MiB; "
          + "rewrite the file with smaller ones: h5repack -l CHUNK=… in.h5 out.h5")
    }
    index = version == 3 ? address.map(Index.treeVersion1) ?? .none : try HDF5ChunkLayout.index(&body, flags: flags)
    self.chunk = chunk
    self.byteCount = byteCount
    filters = try HDF5Filters(object.first(.filters))
    leavesEdgesUnfiltered = flags & 0x01 != 0
    fillValue = try HDF5ChunkLayout.fillValue(object, elementSize: elementSize)
    limits = space.limits
  }

  private static func index(_ body: inout HDF5Cursor, flags: UInt8) throws(HDF5Failure) -> Index {
    let kind = try body.byte()
    var single: (size: Int?, mask: UInt32) = (nil, 0)
    switch kind {
    case 1: if flags & 0x02 != 0 { single = (try body.size(), try body.number(UInt32.self)) }
    case 2: break
    // What these lists say of themselves again: bits of a page; five numbers; the tree's node.
    case 3: try body.skip(1)
    case 4: try body.skip(5)
    case 5: try body.skip(6)
    default: throw body.damaged("a list of chunks of kind \(kind), expected 1 to 5")
    }
    guard let address = try body.address() else { return .none }
    switch kind {
    case 1: return .single(address, size: single.size, mask: single.mask)
    case 2: return .implicit(address)
    case 3: return .fixedArray(address)
    case 4: return .extensibleArray(address)
    default: return .treeVersion2(address)
    }
  }

  /// (HDF5 file format specification 3.0, IV.A.2.e and f.)
  private static func fillValue(_ object: HDF5Object, elementSize: Int) throws(HDF5Failure) -> [UInt8] {
    let zeros = [UInt8](repeating: 0, count: elementSize)
    guard let message = object.first(.fillValue) else { return zeros }
    guard !message.isShared else { throw .unsupported("its fill value is shared; \(HDF5Advice.attributes)") }
    var body = message.body
    switch try body.byte() {
    case 1, 2:
      try body.skip(2)
      guard try body.byte() != 0 else { return zeros }
    case 3: guard try body.byte() & 0x20 != 0 else { return zeros }
    case let version: throw body.damaged("a fill value of version \(version), expected 1 to 3")
    }
    let size = try body.size(bytes: 4)
    guard size > 0 else { return zeros }
    guard size == elementSize else { throw body.damaged("a fill value of \(size) bytes, expected \(elementSize)") }
    return Array(try body.take(size))
  }

  var address: Int {
    switch index {
    case .none: 0
    case .single(let address, _, _), .treeVersion1(let address), .implicit(let address), .fixedArray(let address),
      .extensibleArray(let address), .treeVersion2(let address):
      address
    }
  }
}
