import Glibc

/// Files that appear whole or not at all.
public enum AtomicFile {
  /// Writes a file under a hidden name beside `path`, syncs it to the disk, and renames it. A file that was there is
  /// replaced in the same step. If anything fails, `path` is as it was and nothing is left beside it. Missing
  /// directories are made.
  /// - Throws: `FileError`, and whatever `body` throws.
  public static func write(_ path: String, _ body: (FileWriter) throws -> Void) throws {
    try make(path) { partial in
      let writer = FileWriter(descriptor: partial.descriptor, path: path)
      try body(writer)
      try writer.synchronize()
    }
  }

  /// The same for a file that is written by its name, as libraries do.
  /// - Parameter body: gets the name of the empty file that it fills. It must not put another file in its place.
  /// - Throws: `FileError`, and whatever `body` throws.
  public static func writeByName(_ path: String, _ body: (_ partial: String) throws -> Void) throws {
    try make(path) { partial in
      try body(partial.path)
      // A full disk may show itself only here.
      guard fsync(partial.descriptor) == 0 else { throw FileError.writing(path) }
    }
  }

  private static func make(
    _ path: String, _ body: ((path: String, descriptor: Int32)) throws -> Void
  ) throws {
    let directory = FileTree.parent(of: path)
    try FileTree.makeDirectory(directory)
    let partial = try PartialName.make(for: path, flags: O_WRONLY) { name in
      let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { return errno }
      close(descriptor)
      return 0
    }
    defer { close(partial.descriptor) }
    do {
      try body(partial)
      guard rename(partial.path, path) == 0 else { throw FileError.writing(path) }
    } catch {
      unlink(partial.path)
      throw error
    }
    try FileTree.synchronizeEntry(directory)
  }
}
