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
  public init(_ path: String) throws(FileError) {
    self.path = path
    // Opening a pipe for reading would otherwise wait for a writer.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .reading(path) }
    do {
      bytes = try MappedFile.map(descriptor, path: path)
    } catch {
      close(descriptor)
      throw error
    }
  }

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

  private static func map(_ descriptor: Int32, path: String) throws(FileError) -> UnsafeRawBufferPointer {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .reading(path) }
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

  /// Checks that the file is still as long as its mapping; reading a page beyond the end would end the process.
  func checkLength() throws(FileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .reading(path) }
    guard Int(status.st_size) >= bytes.count else {
      throw .changed(path: path, expected: bytes.count, found: Int(status.st_size))
    }
  }
}
