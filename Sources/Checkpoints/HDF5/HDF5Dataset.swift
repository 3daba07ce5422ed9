import Files

/// A dataset whose elements lie in the file one after the other. (HDF5 file format specification 3.0, IV.A.2.i.)
struct HDF5Dataset {
  let type: ElementType
  let shape: [Int]
  /// In bytes from the file's beginning.
  let range: Range<Int>

  /// Types that HDF5 has no name for are stored as unsigned integers of their size; an attribute says what they are.
  static let typeAttribute = "dtype"
  static let namedTypes: [ElementType] = [
    .bfloat16, .float8e4m3, .float8e5m2, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz, .complex64, .bool,
  ]

  /// - Throws: `HDF5Failure.unsupported` for one whose elements cannot be used as they are.
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
    self.type = try HDF5Dataset.type(type.body, object, heap)
    guard let shape = try HDF5Dataspace.shape(space.body) else { throw .unsupported("it has no elements at all") }
    guard let count = TensorDescription.byteCount(of: shape, elementSize: self.type.size) else {
      throw .unsupported("shape \(shape) is larger than any memory")
    }
    self.shape = shape
    range = try HDF5Dataset.place(layout.body, input, count: count)
  }

  private static func type(
    _ body: HDF5Cursor, _ object: HDF5Object, _ heap: HDF5GlobalHeap
  ) throws(HDF5Failure) -> ElementType {
    switch try HDF5Type(body) {
    case .element(let stored):
      guard [.uint8, .uint16, .uint64].contains(stored) else { return stored }
      return try named(stored, object, heap)
    case .text, .variableText: throw .unsupported("it holds texts, expected numbers")
    case .other(let found): throw .unsupported("it holds \(found), expected plain little-endian numbers")
    }
  }

  /// What unsigned integers stand for.
  private static func named(
    _ stored: ElementType, _ object: HDF5Object, _ heap: HDF5GlobalHeap
  ) throws(HDF5Failure) -> ElementType {
    guard try !object.hasDenseAttributes() else {
      throw .unsupported("its attributes are stored in a dense form; \(HDF5Advice.attributes)")
    }
    guard let name = try object.attributes()[typeAttribute]?.value(heap)?.string,
      let type = namedTypes.first(where: { $0.torchName == name })
    else { return stored }
    guard type.size == stored.size else {
      throw .unsupported("its attribute says \(name), but its elements have \(stored.size) bytes")
    }
    return type
  }

  private static func place(_ body: HDF5Cursor, _ input: HDF5Input, count: Int) throws(HDF5Failure) -> Range<Int> {
    var body = body
    let version = try body.byte()
    guard (3...5).contains(version) else {
      throw .unsupported("a layout of version \(version), expected 3 to 5; \(HDF5Advice.contiguous)")
    }
    switch try body.byte() {
    case 0:
      let size = try body.size(bytes: 2)
      guard size >= count, body.remaining >= size else { throw body.damaged("\(size) bytes, expected \(count)") }
      return body.position..<body.position + count
    case 1:
      let (address, size) = (try body.address(), try body.size())
      guard count > 0 else { return 0..<0 }
      guard let address else { throw .unsupported("its elements were never written") }
      guard size >= count, count <= input.bytes.count, address <= input.bytes.count - count else {
        throw .damaged(
          "\(count) bytes at byte \(address) (\(size) are said to be there) of a file of \(input.bytes.count)")
      }
      return address..<address + count
    case 2: throw .unsupported("its elements are stored in chunks; \(HDF5Advice.contiguous)")
    case 3: throw .unsupported("its elements are those of other datasets (a virtual one); \(HDF5Advice.contiguous)")
    case let other: throw body.damaged("a layout of class \(other), expected 0 to 3")
    }
  }
}

/// What to do with files that are valid, but not of the plain form that can be mapped. `h5repack` belongs to HDF5.
enum HDF5Advice {
  static let contiguous = "rewrite the file with: h5repack -f NONE -l CONTI in.h5 out.h5"
  /// Short lists of attributes are in the header by default.
  static let attributes = "rewrite the file with: h5repack in.h5 out.h5"
  /// Keeps lists of up to 60000 names in the group's header.
  static let links = "rewrite the file with: h5repack -c 60000 -d 50000 in.h5 out.h5"
}

extension HDF5Object {
  /// Those in the header.
  func attributes() throws(HDF5Failure) -> [String: HDF5Attribute] {
    var attributes: [String: HDF5Attribute] = [:]
    for message in all(.attribute) {
      guard let attribute = try HDF5Attribute(message) else { continue }
      guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
        throw .damaged("two attributes are named \(JSON.string(attribute.name).serialized().prefix(160))")
      }
    }
    return attributes
  }

  /// Whether there are attributes which are not in the header.
  func hasDenseAttributes() throws(HDF5Failure) -> Bool {
    guard let info = first(.attributeInfo) else { return false }
    var body = info.body
    try body.version(0)
    if try body.byte() & 0x01 != 0 { try body.skip(2) }
    return try body.address() != nil
  }
}
