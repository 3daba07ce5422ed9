import Files
import Glibc

/// A directory that one preparation at a time writes to.
final class DirectoryLock {
  let path: String
  private let descriptor: Int32

  /// Makes the directory if it is missing, and locks it until this object goes.
  /// - Throws: `FileError`, `DatasetError.outputBusy`.
  init(_ path: String) throws {
    self.path = path
    try FileTree.makeDirectory(path)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DatasetError.writeFailed(path: path, reason: systemReason()) }
    // A file system without locks is no reason to refuse; only a lock that someone holds is.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { throw DatasetError.outputBusy(path: path) }
  }

  deinit { close(descriptor) }

  /// The names in the directory are on the disk when this returns.
  func sync() throws(DatasetError) {
    // Some file systems cannot sync a directory (EINVAL); renames are atomic there all the same.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .writeFailed(path: path, reason: systemReason()) }
  }
}
