import Glibc

/// Appends tokens to a file under a temporary name; what was synced is on the disk whatever happens next.
final class TokenWriter {
  let path: String
  private let storage: TokenStorage
  private let descriptor: Int32
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
  private var used = 0

  /// Opens or creates `path` and cuts it after `tokens` tokens; writing goes on there.
  /// - Throws: `DatasetError.damagedState` if the file is shorter.
  init(_ path: String, storage: TokenStorage, keeping tokens: Int) throws(DatasetError) {
    self.path = path
    self.storage = storage
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .writeFailed(path: path, reason: systemReason()) }
    var status = stat()
    let (bytes, overflow) = tokens.multipliedReportingOverflow(by: storage.bytes)
    guard fstat(descriptor, &status) == 0 else { throw .writeFailed(path: path, reason: systemReason()) }
    guard !overflow, bytes <= Int(status.st_size) else {
      throw .damagedState(path: path, reason: "\(status.st_size) bytes, expected at least \(tokens) tokens")
    }
    guard ftruncate(descriptor, off_t(bytes)) == 0, lseek(descriptor, off_t(bytes), SEEK_SET) >= 0 else {
      throw .writeFailed(path: path, reason: systemReason())
    }
  }

  deinit {
    close(descriptor)
    buffer.deallocate()
  }

  func append(_ tokens: ArraySlice<Int32>) throws(DatasetError) {
    var next = tokens.startIndex
    while next < tokens.endIndex {
      if used == buffer.count { try flush() }
      let count = min(tokens.endIndex - next, (buffer.count - used) / storage.bytes)
      tokens.withUnsafeBufferPointer { source in
        let first = next - tokens.startIndex
        switch storage {
        case .uint16:
          for k in 0..<count {
            let id = UInt16(truncatingIfNeeded: source[first &+ k]).littleEndian
            buffer.storeBytes(of: id, toByteOffset: used &+ 2 &* k, as: UInt16.self)
          }
        case .uint32:
          for k in 0..<count {
            let id = UInt32(truncatingIfNeeded: source[first &+ k]).littleEndian
            buffer.storeBytes(of: id, toByteOffset: used &+ 4 &* k, as: UInt32.self)
          }
        }
      }
      used += count * storage.bytes
      next += count
    }
  }

  func flush() throws(DatasetError) {
    try write(UnsafeRawBufferPointer(rebasing: buffer[..<used]))
    used = 0
  }

  /// Everything appended so far is on the disk when this returns.
  func sync() throws(DatasetError) {
    try flush()
    guard fdatasync(descriptor) == 0 else { throw .writeFailed(path: path, reason: systemReason()) }
  }

  /// Copies the tokens `range` of `self` to the end of `other`.
  func copy(_ range: Range<Int>, to other: TokenWriter) throws(DatasetError) {
    try flush()
    try other.flush()
    var offset = range.lowerBound * storage.bytes
    let end = range.upperBound * storage.bytes
    while offset < end {
      let want = min(buffer.count, end - offset)
      let got = pread(descriptor, buffer.baseAddress, want, off_t(offset))
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else {
        throw .unreadable(path: path, reason: got == 0 ? "it is shorter than what was written" : systemReason())
      }
      try other.write(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
      offset += got
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(DatasetError) {
    var rest = bytes
    while !rest.isEmpty {
      let wrote = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if wrote < 0 {
        if errno == EINTR { continue }
        throw .writeFailed(path: path, reason: systemReason())
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[wrote...])
    }
  }
}
