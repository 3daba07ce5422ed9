import Glibc

/// A file's bytes, mapped read-only. The mapping outlives the file's name: it may be renamed or removed while this
/// object lives. Pages are read when they are touched, so a file may be larger than memory.
public final class MappedFile: Sendable {
  public let path: String
  /// Valid as long as this object lives: for who keeps the object. A local variable may be gone after its last use,
  /// before the bytes are read; use `withBytes` there.
  public nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  let descriptor: Int32

  /// - Throws: `FileError` if there is no such file, it cannot be read, or it is no regular file.
  public convenience init(_ path: String) throws(FileError) {
    // Opening a pipe for reading would otherwise wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .reading(path) }
    try self.init(adopting: descriptor, path: path)
  }

  /// Maps an open file, which is closed with this object, or when this throws.
  init(adopting descriptor: Int32, path: String) throws(FileError) {
    self.path = path
    self.descriptor = descriptor
    do {
      let status = try MappedFile.status(descriptor, path: path)
      bytes = try MappedFile.map(descriptor, status, path: path)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Its length in bytes.
  public var count: Int { bytes.count }

  /// The whole file as text; bytes that are not UTF-8 become U+FFFD.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    close(descriptor)
  }

  /// The bytes, for the time of a call.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }

  private static func map(
    _ descriptor: Int32, _ status: stat, path: String
  ) throws(FileError) -> UnsafeRawBufferPointer {
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .notARegularFile(path: path, found: FileTree.kind(status.st_mode))
    }
    let count = Int(status.st_size)
    // An empty mapping is refused by the system.
    guard count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw .reading(path)
    }
    return UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Copies bytes from `offset` on through a read of the system: they do not become part of this process' memory, and a
  /// file that has become shorter is an error.
  /// - Throws: `FileError.changed`, `.unreadable`.
  public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, offset + done)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .reading(path) }
      guard count > 0 else { throw .changed(path: path) }
      done += count
    }
  }

  /// Gives back the memory of pages that were read through the mapping; they are read again when they are touched.
  public func releasePages(_ range: Range<Int>) {
    guard let base = bytes.baseAddress else { return }
    let pageSize = Int(getpagesize())
    let start = range.lowerBound / pageSize * pageSize
    madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_DONTNEED)
  }

  /// Whether the byte at `offset` is in the system's cache, so that reading it does not wait for the disk.
  func isInMemory(at offset: Int) -> Bool {
    guard let base = bytes.baseAddress, offset < count else { return true }
    var isResident: UInt8 = 0
    let page = offset & ~(Int(getpagesize()) - 1)
    let status = mincore(UnsafeMutableRawPointer(mutating: base + page), 1, &isResident)
    return status != 0 || isResident & 1 == 1
  }

  /// Checks that the file is still as long as its mapping; reading a page beyond the end would end the process.
  /// - Throws: `FileError.changed`.
  public func checkLength() throws(FileError) {
    guard Int(try MappedFile.status(descriptor, path: path).st_size) >= count else { throw .changed(path: path) }
  }

  private static func status(_ descriptor: Int32, path: String) throws(FileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .reading(path) }
    return status
  }
}
