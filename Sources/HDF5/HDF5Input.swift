/// The bytes of an HDF5 file, for as long as it is being opened. Nothing is read outside of it, and nothing more often
/// than a file of honest structures, each read once, would need: a small file cannot keep the reader busy.
final class HDF5Input {
  let bytes: UnsafeRawBufferPointer
  private var allowance: Int
  /// Of bytes in chunks: deflate makes at most 1032 of one.
  private var chunkAllowance: Int

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    allowance = 4 * bytes.count + 1 << 16
    chunkAllowance = 2048 * bytes.count
  }

  /// Counts the elements of a dataset in chunks, which need not be in the file at all.
  func chargeChunks(_ count: Int) throws(HDF5Failure) {
    guard count <= chunkAllowance else {
      throw .unsupported("\(count) bytes in chunks, most of which cannot be in a file of \(bytes.count)")
    }
    chunkAllowance -= count
  }

  /// Counts work in bytes.
  func charge(_ count: Int) throws(HDF5Failure) {
    allowance -= count
    guard allowance >= 0 else { throw .damaged("its structures overlap, or are more than the file has room for") }
  }

  /// A structure of the file.
  /// - Parameter name: for errors: "the group's B-tree".
  func structure(_ name: StaticString, at address: Int, count: Int) throws(HDF5Failure) -> HDF5Cursor {
    guard address >= 0, count >= 0, count <= bytes.count, address <= bytes.count - count else {
      throw .damaged("\(name) at byte \(address) lies outside the file of \(bytes.count) bytes")
    }
    try charge(count)
    return HDF5Cursor(bytes, name: name, range: address..<address + count)
  }
}

extension HDF5Input {
  /// A structure that ends with a checksum, without that.
  /// - Parameter count: with the checksum.
  func checkedStructure(_ name: StaticString, at address: Int, count: Int) throws(HDF5Failure) -> HDF5Cursor {
    let checksumSize = 4
    var structure = try self.structure(name, at: address, count: count)
    guard count >= checksumSize else { throw structure.damaged("\(count) bytes, too few") }
    let start = structure
    let sum = HDF5Checksum.of(try structure.take(count - checksumSize))
    guard try structure.number(UInt32.self) == sum else { throw start.damaged("its checksum is wrong") }
    var content = start
    return try content.part(count - checksumSize)
  }
}

/// Reads a structure from its beginning to its end. Numbers are little-endian, addresses and lengths have 8 bytes.
struct HDF5Cursor {
  private let bytes: UnsafeRawBufferPointer
  private let name: StaticString
  /// In bytes from the file's beginning.
  private(set) var position: Int
  let end: Int

  /// - Precondition: the range lies in the bytes.
  init(_ bytes: UnsafeRawBufferPointer, name: StaticString, range: Range<Int>) {
    self.bytes = bytes
    self.name = name
    position = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - position }

  func damaged(_ reason: String) -> HDF5Failure { .damaged("\(name) at byte \(position): \(reason)") }

  mutating func skip(_ count: Int) throws(HDF5Failure) {
    guard count >= 0, count <= remaining else { throw damaged("it ends in the middle") }
    position += count
  }

  mutating func take(_ count: Int) throws(HDF5Failure) -> UnsafeRawBufferPointer {
    let start = position
    try skip(count)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  /// A part of the structure, with a cursor of its own.
  mutating func part(_ count: Int) throws(HDF5Failure) -> HDF5Cursor {
    let start = position
    try skip(count)
    return HDF5Cursor(bytes, name: name, range: start..<position)
  }

  mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) throws(HDF5Failure) -> Number {
    Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: type))
  }

  mutating func byte() throws(HDF5Failure) -> UInt8 { try number(UInt8.self) }

  /// A number of one to eight bytes.
  mutating func size(bytes: Int = 8) throws(HDF5Failure) -> Int {
    let value: UInt64
    switch bytes {
    case 1: value = UInt64(try byte())
    case 2: value = UInt64(try number(UInt16.self))
    case 4: value = UInt64(try number(UInt32.self))
    case 8: value = try number(UInt64.self)
    default:
      let digits = try take(bytes)
      value = digits.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard let size = Int(exactly: value) else { throw damaged("a size of \(value)") }
    return size
  }

  /// A place in the file; nil where the file says that there is none.
  mutating func address() throws(HDF5Failure) -> Int? {
    let value = try number(UInt64.self)
    guard value != .max else { return nil }
    guard let address = Int(exactly: value) else { throw damaged("an address of \(value)") }
    return address
  }

  mutating func signature(_ expected: StaticString) throws(HDF5Failure) {
    let start = self
    guard
      try take(expected.utf8CodeUnitCount).elementsEqual(
        UnsafeBufferPointer(start: expected.utf8Start, count: expected.utf8CodeUnitCount))
    else { throw start.damaged("it does not begin with \(expected)") }
  }

  mutating func version(_ expected: UInt8) throws(HDF5Failure) {
    let start = self
    let version = try byte()
    guard version == expected else { throw start.damaged("version \(version), expected \(expected)") }
  }
}
