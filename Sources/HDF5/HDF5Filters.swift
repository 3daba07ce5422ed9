import CZlib
import Files

/// What the bytes of a chunk went through on their way into the file, in this order. (HDF5 file format specification
/// 3.0, IV.A.2.l.)
struct HDF5Filters: Sendable {
  enum Filter: Sendable, Equatable {
    /// zlib's stream.
    case deflate
    /// The first bytes of all elements, then the second ones, …
    case shuffle(elementSize: Int)
    /// A checksum of four bytes behind the others.
    case fletcher32
  }

  private static let checksumSize = 4
  /// deflate makes at most 1032 bytes of one.
  private static let largestRatio = 1040
  private static let mostFilters = 32

  private let filters: [Filter]

  init(_ message: HDF5Object.Message?) throws(HDF5Failure) {
    guard let message else {
      filters = []
      return
    }
    guard !message.isShared else { throw .unsupported("its filters are shared; \(HDF5Advice.filters)") }
    var body = message.body
    let version = try body.byte()
    guard version == 1 || version == 2 else { throw body.damaged("filters of version \(version), expected 1 or 2") }
    let count = Int(try body.byte())
    guard count <= HDF5Filters.mostFilters else { throw body.damaged("\(count) filters") }
    if version == 1 { try body.skip(6) }
    var filters: [Filter] = []
    for _ in 0..<count { filters.append(try HDF5Filters.filter(&body, version: version)) }
    guard filters.filter({ $0 == .deflate }).count <= 1 else { throw body.damaged("deflate is there twice") }
    self.filters = filters
  }

  private static func filter(_ body: inout HDF5Cursor, version: UInt8) throws(HDF5Failure) -> Filter {
    let number = try body.size(bytes: 2)
    let nameSize = version == 1 || number >= 256 ? try body.size(bytes: 2) : 0
    try body.skip(2)
    let count = try body.size(bytes: 2)
    try body.skip(version == 1 ? (nameSize + 7) & ~7 : nameSize)
    var values = try body.part(4 * count)
    if version == 1, count % 2 == 1 { try body.skip(4) }
    switch number {
    case 1: return .deflate
    case 2:
      let size = try values.size(bytes: 4)
      guard size > 0 else { throw values.damaged("shuffled elements of no bytes") }
      return .shuffle(elementSize: size)
    case 3: return .fletcher32
    default:
      let name = names[number].map { "\($0) (filter \(number))" } ?? "filter \(number)"
      throw .unsupported(
        "its chunks are stored with \(name), expected deflate, shuffle or fletcher32; "
          + (number < 256 ? HDF5Advice.filters : HDF5Advice.pluginFilters))
    }
  }

  /// (HDF5, H5Zpublic.h; HDFGroup/hdf5_plugins, RegisteredFilterPlugins.md.)
  private static let names = [
    4: "szip", 5: "n-bit", 6: "scale-offset", 305: "LZO", 307: "bzip2", 32000: "LZF", 32001: "Blosc", 32003: "Snappy",
    32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP", 32015: "Zstandard", 32026: "Blosc2",
  ]

  // MARK: Sizes

  /// Whether so many stored bytes can be a chunk of `byteCount`.
  func canUnpack(_ stored: Int, to byteCount: Int, mask: UInt32) -> Bool {
    let active = active(mask)
    guard active.contains(.deflate) else { return stored == byteCount + HDF5Filters.checksums(in: active[...]) }
    return byteCount / HDF5Filters.largestRatio <= stored
  }

  private func active(_ mask: UInt32) -> [Filter] {
    filters.indices.filter { mask >> UInt32($0) & 1 == 0 }.map { filters[$0] }
  }

  private static func checksums(in filters: ArraySlice<Filter>) -> Int {
    checksumSize * filters.filter { $0 == .fletcher32 }.count
  }

  // MARK: Unpacking

  /// Undoes the filters.
  /// - Parameter mask: a bit is set for each filter that this chunk did not go through.
  /// - Throws: `HDF5Failure.damaged` when the bytes are not exactly a chunk.
  func unpack(
    _ stored: UnsafeRawBufferPointer, mask: UInt32, into chunk: UnsafeMutableRawBufferPointer
  ) throws(HDF5Failure) {
    let active = active(mask)
    var current = stored
    var scratch: [UnsafeMutableRawBufferPointer] = []
    defer { for buffer in scratch { buffer.deallocate() } }
    // The last one can write where the chunk shall be.
    let last = active.first == .fletcher32 ? -1 : 0
    for place in active.indices.reversed() {
      if active[place] == .fletcher32 {
        current = try HDF5Filters.checked(current)
        continue
      }
      let size = chunk.count + HDF5Filters.checksums(in: active[..<place])
      let target: UnsafeMutableRawBufferPointer
      if place == last {
        target = chunk
      } else {
        target = .allocate(byteCount: size, alignment: 16)
        scratch.append(target)
      }
      switch active[place] {
      case .deflate: try HDF5Filters.inflate(current, into: target)
      case .shuffle(let elementSize):
        guard current.count == size else { throw HDF5Filters.wrongSize(current.count, size) }
        HDF5Filters.unshuffle(current, elementSize: elementSize, into: target)
      case .fletcher32: break
      }
      current = UnsafeRawBufferPointer(target)
    }
    guard current.count == chunk.count else { throw HDF5Filters.wrongSize(current.count, chunk.count) }
    if current.baseAddress != UnsafeRawPointer(chunk.baseAddress) { chunk.copyMemory(from: current) }
  }

  private static func wrongSize(_ found: Int, _ expected: Int) -> HDF5Failure {
    .damaged("a chunk of \(found) bytes, expected \(expected)")
  }

  private static func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Failure) {
    var count = UInt(target.count)
    let status = uncompress(
      target.bindMemory(to: UInt8.self).baseAddress, &count, source.bindMemory(to: UInt8.self).baseAddress,
      UInt(source.count))
    guard status == Z_OK, count == target.count else {
      throw .damaged("a deflated chunk is damaged, or not \(target.count) bytes when unpacked")
    }
  }

  private static func unshuffle(
    _ source: UnsafeRawBufferPointer, elementSize: Int, into target: UnsafeMutableRawBufferPointer
  ) {
    let count = source.count / elementSize
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    if elementSize == 2 {
      for index in 0..<count {
        let low = UInt16(from.load(fromByteOffset: index, as: UInt8.self))
        let high = UInt16(from.load(fromByteOffset: count &+ index, as: UInt8.self))
        to.storeBytes(of: (low | high &<< 8).littleEndian, toByteOffset: 2 &* index, as: UInt16.self)
      }
    } else {
      for byte in 0..<elementSize {
        for index in 0..<count {
          let value = from.load(fromByteOffset: byte &* count &+ index, as: UInt8.self)
          to.storeBytes(of: value, toByteOffset: index &* elementSize &+ byte, as: UInt8.self)
        }
      }
    }
    // What is no whole element stays where it was.
    let rest = elementSize * count
    UnsafeMutableRawBufferPointer(rebasing: target[rest...])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[rest...]))
  }

  private static func checked(_ bytes: UnsafeRawBufferPointer) throws(HDF5Failure) -> UnsafeRawBufferPointer {
    guard bytes.count >= checksumSize else { throw .damaged("a chunk without its checksum") }
    let content = UnsafeRawBufferPointer(rebasing: bytes.dropLast(checksumSize))
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: content.count, as: UInt32.self))
    guard stored == fletcher32(content) else { throw .damaged("a chunk's checksum is wrong") }
    return content
  }

  /// Fletcher's checksum over big-endian words of 16 bits, as HDF5 has it (H5checksum.c, `H5_checksum_fletcher32`).
  static func fletcher32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var (first, second): (UInt32, UInt32) = (0, 0)
    func fold(_ sum: UInt32) -> UInt32 { (sum & 0xFFFF) &+ (sum &>> 16) }
    // Sums of 360 words do not overflow.
    let blockSize = 720
    for start in stride(from: 0, to: bytes.count & ~1, by: blockSize) {
      for place in stride(from: start, to: min(start + blockSize, bytes.count & ~1), by: 2) {
        first &+= UInt32(bytes[place]) &<< 8 | UInt32(bytes[place &+ 1])
        second &+= first
      }
      (first, second) = (fold(first), fold(second))
    }
    if bytes.count % 2 == 1 {
      first &+= UInt32(bytes[bytes.count - 1]) &<< 8
      second &+= first
      (first, second) = (fold(first), fold(second))
    }
    return fold(second) &<< 16 | fold(first)
  }
}
