import Glibc

/// A file under a temporary name that grows at its end; what was synced is on the disk whatever happens next.
///
/// It may be longer on the disk than it says: what comes next is written over the surplus, and the last step to the final
/// name cuts it off.
final class PartialFile {
  let path: String
  /// Bytes appended so far.
  private(set) var count: Int
  private let descriptor: Int32
  private let buffer: UnsafeMutableRawBufferPointer
  private var used = 0

  /// Opens or creates `path` and cuts it after `bytes`; appending goes on there.
  /// - Throws: `DatasetError.damagedState` if the file is shorter.
  init(_ path: String, keeping bytes: Int, bufferSize: Int = 1 << 18) throws(DatasetError) {
    self.path = path
    count = bytes
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .writeFailed(path: path, reason: systemReason()) }
    buffer = .allocate(byteCount: bufferSize, alignment: 64)
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .writeFailed(path: path, reason: systemReason()) }
    guard bytes <= Int(status.st_size) else {
      throw .damagedState(path: path, reason: "\(status.st_size) bytes, expected at least \(bytes)")
    }
    guard ftruncate(descriptor, off_t(bytes)) == 0 else { throw .writeFailed(path: path, reason: systemReason()) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    buffer.deallocate()
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(DatasetError) {
    var rest = bytes
    while !rest.isEmpty {
      let room = try room(1)
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(room.count))
      room.copyMemory(from: part)
      filled(part.count)
      rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
    }
  }

  /// A place for the next bytes, at least `atLeast` of them; say then with `filled` how many there are.
  func room(_ atLeast: Int) throws(DatasetError) -> UnsafeMutableRawBufferPointer {
    if buffer.count - used < atLeast { try flush() }
    return UnsafeMutableRawBufferPointer(rebasing: buffer[used...])
  }

  func filled(_ bytes: Int) {
    used += bytes
    count += bytes
  }

  /// Takes everything back that was appended after the first `bytes`.
  func rewind(to bytes: Int) {
    used = max(0, used - (count - bytes))
    count = bytes
  }

  func flush() throws(DatasetError) {
    var rest = UnsafeRawBufferPointer(rebasing: buffer[..<used])
    var offset = count - used
    while !rest.isEmpty {
      let wrote = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset))
      if wrote < 0 {
        if errno == EINTR { continue }
        throw .writeFailed(path: path, reason: systemReason())
      }
      offset += wrote
      rest = UnsafeRawBufferPointer(rebasing: rest[wrote...])
    }
    used = 0
  }

  /// Everything appended so far is on the disk when this returns.
  func sync() throws(DatasetError) {
    try flush()
    guard fdatasync(descriptor) == 0 else { throw .writeFailed(path: path, reason: systemReason()) }
  }

  /// Reads `buffer.count` bytes that were flushed.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) {
    var done = 0
    while done < buffer.count {
      let got = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else {
        throw .unreadable(path: path, reason: got == 0 ? "it is shorter than what was written" : systemReason())
      }
      done += got
    }
  }

  /// Calls `body` with the bytes of `range`, in order and at most `step` at a time, but for the last a multiple of it.
  func forEach(
    _ range: Range<Int>, step: Int = 1 << 18, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try flush()
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: min(step, range.count), alignment: 64)
    defer { block.deallocate() }
    var offset = range.lowerBound
    while offset < range.upperBound {
      let part = UnsafeMutableRawBufferPointer(rebasing: block.prefix(range.upperBound - offset))
      try read(at: offset, into: part)
      try body(UnsafeRawBufferPointer(part))
      offset += part.count
    }
  }
}
