import Glibc

/// A file that one process at a time lets grow: a line that says what it is, then records of equal length. A record that
/// a crash cut off is dropped when the file is opened again.
public final class RecordFile {
  public let path: String
  /// Bytes of a record.
  public let recordSize: Int
  private let descriptor: Int32
  private var headerSize = 0
  private var pending: [UInt8] = []
  private var lastWrite = RecordFile.now

  /// The longest first line.
  public static let headerLimit = 1 << 16
  private static let bufferSize = 1 << 18
  /// Seconds that a record waits for others before it is written.
  private static let delay = 0.1

  /// Opens the file, or makes an empty one, and keeps other processes from it as long as this object lives.
  /// - Throws: `FileError`, `.busy` while another process has it.
  public init(_ path: String, recordSize: Int) throws(FileError) {
    precondition(recordSize > 0, "records of \(recordSize) bytes")
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666)
    guard descriptor >= 0 else { throw .writing(path) }
    self.path = path
    self.recordSize = recordSize
    self.descriptor = descriptor
    let mode = try status().st_mode
    guard mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path, found: FileTree.kind(mode)) }
    // A file system without locks is no reason to refuse; only a lock that someone holds is.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { throw .busy(path: path) }
  }

  deinit { close(descriptor) }

  /// The first line without its end, or the first `headerLimit` bytes where they hold no end of a line; nil for an empty
  /// file. Nothing is changed: it may be somebody else's.
  public func readHeader() throws(FileError) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: min(Int(try status().st_size), RecordFile.headerLimit))
    try read(at: 0, into: &bytes)
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return bytes.isEmpty ? nil : bytes }
    headerSize = end + 1
    return Array(bytes[..<end])
  }

  /// Whole records on the disk.
  public func recordCount() throws(FileError) -> Int { max(0, Int(try status().st_size) - headerSize) / recordSize }

  /// Takes the file as it is, to go on after its last whole record.
  public func resume() throws(FileError) {
    let end = headerSize + (try recordCount()) * recordSize
    guard ftruncate(descriptor, end) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else { throw .writing(path) }
  }

  /// Empties the file and writes its first line.
  /// - Precondition: the line fits `headerLimit` and has no end of line in it.
  public func start(header: [UInt8]) throws(FileError) {
    precondition(header.count < RecordFile.headerLimit && !header.contains(UInt8(ascii: "\n")), "not one line")
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw .writing(path) }
    pending = header + [UInt8(ascii: "\n")]
    headerSize = pending.count
    try flush()
  }

  /// Calls `body` with each record on the disk, in order. A file of any size takes the same memory.
  public func forEachRecord(_ body: (UnsafeRawBufferPointer) -> Void) throws(FileError) {
    let end = Int(try status().st_size)
    var offset = headerSize
    while end - offset >= recordSize {
      let count = min((end - offset) / recordSize, max(1, RecordFile.bufferSize / recordSize))
      var bytes = [UInt8](repeating: 0, count: count * recordSize)
      try read(at: offset, into: &bytes)
      bytes.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: recordSize) {
          body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + recordSize]))
        }
      }
      offset += bytes.count
    }
  }

  /// Appends a record. It is written with others within a fraction of a second of work; `flush` writes at once.
  /// - Precondition: it has `recordSize` bytes.
  public func append(_ record: UnsafeRawBufferPointer) throws(FileError) {
    precondition(record.count == recordSize, "a record of \(record.count) bytes")
    pending.append(contentsOf: record)
    if pending.count >= RecordFile.bufferSize || RecordFile.now - lastWrite >= RecordFile.delay { try flush() }
  }

  /// Everything appended so far is the system's after this: the end of this process does not lose it.
  public func flush() throws(FileError) {
    var done = 0
    defer { pending.removeFirst(done) }
    while done < pending.count {
      let count = pending.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .writing(path) }
      done += count
    }
    lastWrite = RecordFile.now
  }

  private func read(at offset: Int, into bytes: inout [UInt8]) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, offset + done)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .reading(path) }
      guard count > 0 else { throw .changed(path: path) }
      done += count
    }
  }

  private func status() throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .reading(path) }
    return status
  }

  /// Seconds of the clock that only goes forward.
  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
