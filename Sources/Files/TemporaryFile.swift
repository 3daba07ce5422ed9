import Glibc

/// A file without a name, for what has to be unpacked; it goes with this object. It lies in the directory that `TMPDIR`
/// names, or in /var/tmp: what is unpacked may be larger than memory, in which /tmp often is.
public final class TemporaryFile: Sendable {
  /// All of it; zeros where nothing has been written yet.
  public let contents: MappedFile

  /// - Parameter count: its length in bytes. It takes no more disk space than what is written.
  public init(count: Int) throws(FileError) {
    let directory = TemporaryFile.directory(getenv("TMPDIR").map { String(cString: $0) })
    var name = Array("\(directory)/inheritune-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else { throw .writing(directory) }
    unlink(name)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    guard ftruncate(descriptor, count) == 0 else {
      let error = FileError.writing(directory)
      close(descriptor)
      throw error
    }
    contents = try MappedFile(adopting: descriptor, path: directory)
  }

  /// An empty variable counts as none.
  static func directory(_ variable: String?) -> String {
    guard let variable, !variable.isEmpty else { return "/var/tmp" }
    return variable
  }

  /// - Precondition: the bytes have room in the file.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    precondition(offset >= 0 && bytes.count <= contents.count - offset, "a place outside the file")
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        contents.descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .writing(contents.path) }
      done += count
    }
  }
}
