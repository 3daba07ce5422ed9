import Glibc

extension MappedFile {
  /// A file without a name, written by `body` and then mapped; it goes with this object. It lies in the directory that
  /// `TMPDIR` names, or in /var/tmp: what is unpacked may be larger than memory, in which /tmp often is.
  /// - Throws: `FileError`, and whatever `body` throws.
  public static func temporary(_ body: (FileWriter) throws -> Void) throws -> MappedFile {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
    var name = Array("\(directory)/inheritune-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else { throw FileError.writing(directory) }
    unlink(name)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    do {
      let writer = FileWriter(descriptor: descriptor, path: directory)
      try body(writer)
      try writer.flush()
    } catch {
      close(descriptor)
      throw error
    }
    return try MappedFile(adopting: descriptor, path: directory)
  }
}
