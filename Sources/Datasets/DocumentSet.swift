import Glibc

/// The hashes of the texts that were met, on the disk, in memory of a fixed size: an open-addressing table that is looked up
/// through the system's page cache.
///
/// A slot also holds the number of the document that came with it. So nothing has to be undone when documents are met again
/// after a kill: what a later document left behind is not there yet for an earlier one.
final class DocumentSet {
  private static let slotBytes = 24
  /// Slots that are read at once.
  private static let blockSlots = 16

  private let path: String
  private let killPoints: KillPoints?
  private var descriptor: Int32 = -1
  /// log₂ of the number of slots.
  private var logSlots = 0
  /// Hashes in it.
  private(set) var count: Int

  static func grownPath(_ path: String) -> String { path + ".grown" }

  /// - Parameters:
  ///   - count: how many hashes an earlier run has left here; 0 begins anew.
  ///   - leastSlots: a power of two.
  init(
    _ path: String, keeping count: Int, leastSlots: Int = 1 << 16, killPoints: KillPoints? = nil
  ) throws(DatasetError) {
    self.path = path
    self.count = count
    self.killPoints = killPoints
    if count == 0 {
      logSlots = leastSlots.trailingZeroBitCount
      descriptor = try DocumentSet.create(path, logSlots: logSlots)
      return
    }
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      throw .damagedState(path: path, reason: systemReason())
    }
    let slots = Int(status.st_size) / DocumentSet.slotBytes
    guard slots > count, slots.nonzeroBitCount == 1, slots * DocumentSet.slotBytes == Int(status.st_size) else {
      throw .damagedState(path: path, reason: "\(status.st_size) bytes are no table of \(count) hashes")
    }
    logSlots = slots.trailingZeroBitCount
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Takes a text in.
  /// - Returns: whether it is the first with this hash.
  func insert(_ hash: TextHash, document: Int) throws -> Bool {
    // Two thirds full.
    if 3 * (count + 1) > 2 << logSlots { try grow() }
    let isFirst = try DocumentSet.insert(hash, document: document, descriptor, logSlots: logSlots, path: path)
    if isFirst { count += 1 }
    return isFirst
  }

  /// Everything so far is on the disk when this returns.
  func sync() throws(DatasetError) {
    guard fdatasync(descriptor) == 0 else { throw .writeFailed(path: path, reason: systemReason()) }
  }

  private static func create(_ path: String, logSlots: Int) throws(DatasetError) -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0, ftruncate(descriptor, off_t(slotBytes << logSlots)) == 0 else {
      throw .writeFailed(path: path, reason: systemReason())
    }
    return descriptor
  }

  /// Doubles the table: a new file that takes the place of the old one when it is complete.
  private func grow() throws {
    let grown = DocumentSet.grownPath(path)
    let larger = try DocumentSet.create(grown, logSlots: logSlots + 1)
    var isOpen = true
    defer { if isOpen { close(larger) } }
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: DocumentSet.slotBytes << 10, alignment: 8)
    defer { block.deallocate() }
    // A slot's place is the top bits of its hash: the new places come in the order of the old ones.
    var offset = 0
    while offset < DocumentSet.slotBytes << logSlots {
      let got = try DocumentSet.read(descriptor, at: offset, into: block, path: path)
      for slot in stride(from: 0, to: got, by: DocumentSet.slotBytes) {
        guard let (hash, document) = DocumentSet.decode(block, at: slot) else { continue }
        _ = try DocumentSet.insert(hash, document: document, larger, logSlots: logSlots + 1, path: grown)
      }
      offset += got
    }
    try killPoints?.pass()
    guard fdatasync(larger) == 0, rename(grown, path) == 0 else {
      throw DatasetError.writeFailed(path: path, reason: systemReason())
    }
    close(descriptor)
    descriptor = larger
    isOpen = false
    logSlots += 1
    try killPoints?.pass()
  }

  private static func insert(
    _ hash: TextHash, document: Int, _ descriptor: Int32, logSlots: Int, path: String
  ) throws(DatasetError) -> Bool {
    let slots = 1 << logSlots
    let first = Int(truncatingIfNeeded: hash.high >> UInt64(64 - logSlots))
    let result = withUnsafeTemporaryAllocation(byteCount: slotBytes * blockSlots, alignment: 8) {
      block -> Result<Bool, DatasetError> in
      do throws(DatasetError) {
        var seen = 0
        while seen < slots {
          let at = (first + seen) & (slots - 1)
          let wanted = UnsafeMutableRawBufferPointer(rebasing: block.prefix(slotBytes * min(blockSlots, slots - at)))
          let got = try read(descriptor, at: at * slotBytes, into: wanted, path: path)
          for slot in stride(from: 0, to: got, by: slotBytes) {
            guard let (found, owner) = decode(block, at: slot) else {
              try write(hash, document, descriptor, at: at * slotBytes + slot, path: path)
              return .success(true)
            }
            if found == hash { return .success(owner >= document) }
          }
          seen += got / slotBytes
        }
        throw .damagedState(path: path, reason: "the table is full")
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// - Returns: nil if the slot is empty.
  private static func decode(
    _ block: UnsafeMutableRawBufferPointer, at offset: Int
  ) -> (hash: TextHash, document: Int)? {
    let owner = Int(Int64(littleEndian: block.load(fromByteOffset: offset + 16, as: Int64.self)))
    guard owner != 0 else { return nil }
    let hash = TextHash(
      high: UInt64(littleEndian: block.load(fromByteOffset: offset, as: UInt64.self)),
      low: UInt64(littleEndian: block.load(fromByteOffset: offset + 8, as: UInt64.self)))
    return (hash, owner - 1)
  }

  private static func write(
    _ hash: TextHash, _ document: Int, _ descriptor: Int32, at offset: Int, path: String
  ) throws(DatasetError) {
    // The number is stored plus one: 0 is an empty slot.
    var words = (hash.high.littleEndian, hash.low.littleEndian, Int64(document + 1).littleEndian)
    let wrote = withUnsafeBytes(of: &words) { pwrite(descriptor, $0.baseAddress, slotBytes, off_t(offset)) }
    guard wrote == slotBytes else { throw .writeFailed(path: path, reason: systemReason()) }
  }

  /// - Returns: bytes of whole slots, at least one.
  private static func read(
    _ descriptor: Int32, at offset: Int, into block: UnsafeMutableRawBufferPointer, path: String
  ) throws(DatasetError) -> Int {
    while true {
      let got = pread(descriptor, block.baseAddress, block.count, off_t(offset))
      if got < 0 && errno == EINTR { continue }
      guard got >= slotBytes else {
        throw .unreadable(path: path, reason: got < 0 ? systemReason() : "it is shorter than it was made")
      }
      return got / slotBytes * slotBytes
    }
  }
}
