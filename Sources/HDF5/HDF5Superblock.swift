/// The beginning of an HDF5 file, versions 0 to 3. (HDF5 file format specification 3.0, II.A.)
struct HDF5Superblock {
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Where the root group's object header is.
  let root: Int

  /// Where the file begins, in its bytes: a block of the user's own may stand before it. Nil where it begins nowhere.
  static func start(in bytes: UnsafeRawBufferPointer) -> Int? {
    var place = 0
    while place < bytes.count {
      if bytes[place...].starts(with: signature) { return place }
      place = place == 0 ? 512 : 2 * place
    }
    return nil
  }

  /// - Parameter input: the bytes from `start(in:)` on.
  init(_ input: HDF5Input) throws(HDF5Failure) {
    guard input.bytes.starts(with: HDF5Superblock.signature) else {
      throw .damaged("it does not begin as HDF5 files do")
    }
    let start = HDF5Superblock.signature.count
    var cursor = try input.structure("the superblock", at: start, count: min(128, input.bytes.count) - start)
    let version = try cursor.byte()
    let base: Int?
    let fileEnd: Int?
    let root: Int?
    switch version {
    case 0, 1:
      try cursor.skip(4)
      try HDF5Superblock.checkSizes(&cursor)
      // A reserved byte, ranks of B-trees (version 1 has one more), flags.
      try cursor.skip(version == 0 ? 9 : 13)
      base = try cursor.address()
      try cursor.skip(8)
      fileEnd = try cursor.address()
      // The driver's block, and the name of the root's entry.
      try cursor.skip(16)
      root = try cursor.address()
    case 2, 3:
      try HDF5Superblock.checkSizes(&cursor)
      let flags = try cursor.byte()
      base = try cursor.address()
      try cursor.skip(8)
      fileEnd = try cursor.address()
      root = try cursor.address()
      let checked = UnsafeRawBufferPointer(rebasing: input.bytes[..<cursor.position])
      guard try cursor.number(UInt32.self) == HDF5Checksum.of(checked) else {
        throw .damaged("the superblock's checksum is wrong")
      }
      guard version == 2 || flags & 0b101 == 0 else { throw .damaged("its writer has not closed it") }
    default: throw .unsupported("superblock version \(version), expected 0 to 3")
    }
    // Other addresses count from the base. Where a user's block was cut off, it still says how long that was.
    let count = (fileEnd ?? 0).subtractingReportingOverflow(base ?? 0).partialValue
    guard count > 0, count <= input.bytes.count else {
      throw .damaged("it has \(input.bytes.count) bytes, but says that it has \(count): it is cut off or damaged")
    }
    guard let root else { throw .damaged("it has no root group") }
    self.root = root
  }

  private static func checkSizes(_ cursor: inout HDF5Cursor) throws(HDF5Failure) {
    let (offset, length) = (try cursor.byte(), try cursor.byte())
    guard offset == 8, length == 8 else {
      throw .unsupported("addresses of \(offset) bytes and lengths of \(length), expected 8")
    }
  }
}
