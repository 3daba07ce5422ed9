import Glibc

/// Writes one file from its beginning to its end, through a buffer. Made by `AtomicFile.write`.
public final class FileWriter {
  private static let bufferSize = 1 << 18
  /// The disk begins to write when so much is new, while the rest is still being made: syncing then has little to wait for.
  private static let writebackSize = 1 << 26
  /// Not while the disk has to read what is copied: both at once are slower than one after the other.
  private var isReadingFromDisk = false

  /// The path that errors name.
  private let path: String
  private let descriptor: Int32
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
  private var buffered = 0
  private var written = 0
  /// Up to here the disk has been told to write.
  private var handedOver = 0

  /// Bytes written so far.
  public var offset: Int { written + buffered }

  /// - Parameter descriptor: an empty file, open for writing; it stays the caller's to close.
  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { buffer.deallocate() }

  /// Takes disk space for a file of `count` bytes where the file system can: a full disk shows itself now.
  public func reserve(_ count: Int) throws(FileError) {
    guard count > 0, let allocate = SystemCalls.allocate, allocate(descriptor, 0, 0, count) != 0 else { return }
    if errno == ENOSPC || errno == EDQUOT || errno == EFBIG { throw .writing(path) }
  }

  /// Appends the text as UTF-8.
  public func write(_ text: String) throws(FileError) {
    var text = text
    let result: Result<Void, FileError> = text.withUTF8 { utf8 in
      do throws(FileError) { return .success(try write(UnsafeRawBufferPointer(utf8))) } catch { return .failure(error) }
    }
    try result.get()
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    if buffered + bytes.count > FileWriter.bufferSize { try flush() }
    guard bytes.count < FileWriter.bufferSize else { return try writeThrough(bytes) }
    UnsafeMutableRawBufferPointer(rebasing: buffer[buffered...]).copyMemory(from: bytes)
    buffered += bytes.count
  }

  /// Appends a range of another file's bytes. They do not pass through this process where the file systems can copy
  /// (`copy_file_range`).
  /// - Precondition: the range lies in the file's bytes.
  public func copy(from file: MappedFile, range: Range<Int>) throws(FileError) {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.bytes.count, "a range outside the file")
    if range.count < FileWriter.bufferSize {
      if buffered + range.count > FileWriter.bufferSize { try flush() }
      // Not through the mapping, where a file that has become shorter ends the process.
      try file.read(
        at: range.lowerBound, into: UnsafeMutableRawBufferPointer(rebasing: buffer[buffered..<buffered + range.count]))
      buffered += range.count
      return
    }
    try flush()
    // In the middle: the beginning may have been read ahead.
    isReadingFromDisk = !file.isInMemory(at: range.lowerBound + range.count / 2)
    defer { isReadingFromDisk = false }
    posix_fadvise(file.descriptor, range.lowerBound, range.count, POSIX_FADV_SEQUENTIAL)
    var from = Int64(range.lowerBound)
    if let copyFileRange = SystemCalls.copyFileRange {
      while from < Int64(range.upperBound) {
        let count = copyFileRange(file.descriptor, &from, descriptor, nil, range.upperBound - Int(from), 0)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == ENOSPC || errno == EDQUOT || errno == EIO { throw .writing(path) }
        // Anything else says that these two files cannot be copied this way (other kinds of file system, old kernels).
        guard count > 0 else { break }
        advance(count)
      }
    }
    if from < Int64(range.upperBound) {
      try file.checkLength()
      try writeThrough(UnsafeRawBufferPointer(rebasing: file.bytes[Int(from)..<range.upperBound]))
    }
  }

  /// Everything is on the disk after this.
  func synchronize() throws(FileError) {
    try flush()
    // A full disk may show itself only here.
    guard fsync(descriptor) == 0 else { throw .writing(path) }
  }

  private func flush() throws(FileError) {
    let full = UnsafeRawBufferPointer(rebasing: buffer[..<buffered])
    buffered = 0
    try writeThrough(full)
  }

  private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .writing(path) }
      advance(count)
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func advance(_ count: Int) {
    written += count
    guard !isReadingFromDisk, written - handedOver >= FileWriter.writebackSize else { return }
    SystemCalls.startWriting(descriptor, handedOver..<written)
    handedOver = written
  }
}
