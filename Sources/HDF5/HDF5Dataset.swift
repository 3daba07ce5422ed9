import Files

/// A dataset of numbers. (HDF5 file format specification 3.0, IV.A.2.i.)
public struct HDF5Dataset: Sendable {
  public let type: HDF5Number
  public let isBigEndian: Bool
  /// Row-major; empty for one value.
  public let shape: [Int]
  /// Texts, numbers, and lists of either; others are left out.
  public let attributes: JSONObject
  /// Whether there are attributes in a form that is not read ("dense": many, or large ones).
  public let hasUnreadAttributes: Bool
  let place: Place

  /// Where its elements are, in bytes from the beginning of the HDF5 file.
  enum Place {
    /// One after the other.
    case contiguous(Range<Int>)
    case chunked(HDF5ChunkLayout)
  }

  /// - Throws: `HDF5Failure.unsupported` for one whose elements cannot be read.
  init(_ object: HDF5Object, _ input: HDF5Input, _ heap: HDF5GlobalHeap) throws(HDF5Failure) {
    guard object.first(.externalFiles) == nil else {
      throw .unsupported("its elements are in other files, which are not opened")
    }
    guard let space = object.first(.dataspace), let layout = object.first(.layout),
      let type = object.first(.datatype)
    else { throw .damaged("a dataset without a type, a shape, or a place") }
    guard !type.isShared, !space.isShared else {
      throw .unsupported("its type is one with a name of its own, expected a plain one")
    }
    switch try HDF5Type(type.body) {
    case .number(let number, let isBigEndian): (self.type, self.isBigEndian) = (number, isBigEndian)
    case .text, .variableText: throw .unsupported("it holds texts, expected numbers")
    case .other(let found): throw .unsupported("it holds \(found), expected numbers")
    }
    guard let space = try HDF5Dataspace(space.body) else { throw .unsupported("it has no elements at all") }
    shape = space.shape
    guard let count = HDF5Dataspace.byteCount(of: shape, elementSize: self.type.size) else {
      throw .unsupported("shape \(shape) is larger than any memory")
    }
    place = try HDF5Dataset.place(layout.body, object, input, space, count: count, elementSize: self.type.size)
    attributes = try object.values(heap)
    hasUnreadAttributes = try object.hasDenseAttributes()
  }

  /// Whether the elements lie one after the other, and not in chunks.
  public var isContiguous: Bool { if case .contiguous = place { true } else { false } }

  /// Where it begins, for an order of datasets: the byte of its elements, or of the list of its chunks.
  public var position: Int {
    switch place {
    case .contiguous(let range): range.lowerBound
    case .chunked(let layout): layout.address
    }
  }

  public var elementCount: Int { shape.reduce(1, *) }
  public var byteCount: Int { elementCount * type.size }

  private static func place(
    _ body: HDF5Cursor, _ object: HDF5Object, _ input: HDF5Input, _ space: HDF5Dataspace, count: Int, elementSize: Int
  ) throws(HDF5Failure) -> Place {
    var body = body
    let version = try body.byte()
    guard (3...5).contains(version) else {
      throw .unsupported("a layout of version \(version), expected 3 to 5; \(HDF5Advice.contiguous)")
    }
    switch try body.byte() {
    case 0:
      let size = try body.size(bytes: 2)
      guard size >= count, body.remaining >= size else { throw body.damaged("\(size) bytes, expected \(count)") }
      return .contiguous(body.position..<body.position + count)
    case 1:
      let (address, size) = (try body.address(), try body.size())
      guard count > 0 else { return .contiguous(0..<0) }
      guard let address else { throw .unsupported("its elements were never written") }
      guard size >= count, count <= input.bytes.count, address <= input.bytes.count - count else {
        throw .damaged(
          "\(count) bytes at byte \(address) (\(size) are said to be there) of a file of \(input.bytes.count)")
      }
      return .contiguous(address..<address + count)
    case 2:
      let layout = try HDF5ChunkLayout(version: version, body, object, space: space, elementSize: elementSize)
      try input.chargeChunks(count)
      return .chunked(layout)
    case 3: throw .unsupported("its elements are those of other datasets (a virtual one); \(HDF5Advice.contiguous)")
    case let other: throw body.damaged("a layout of class \(other), expected 0 to 3")
    }
  }
}

/// What to do with files that are valid, but not of a form that is read. `h5repack` belongs to HDF5.
enum HDF5Advice {
  static let filters = "rewrite the file with: h5repack -f GZIP=4 in.h5 out.h5"
  /// h5repack needs the filter too.
  static let pluginFilters =
    "rewrite the dataset with compression=\"gzip\" in h5py or, where the filter's plugin is installed, with: "
    + "h5repack -f GZIP=4 in.h5 out.h5"
  static let contiguous = "rewrite the file with: h5repack -f NONE -l CONTI in.h5 out.h5"
  /// Short lists of attributes are in the header by default.
  static let attributes = "rewrite the file with: h5repack in.h5 out.h5"
  /// Keeps lists of up to 60000 names in the group's header.
  static let links = "rewrite the file with: h5repack -c 60000 -d 50000 in.h5 out.h5"
}
