import Glibc

/// A directory that appears whole or not at all: written under a hidden name beside the final one, synced to the disk,
/// renamed. Unless it was committed, it is removed with this object.
public final class StagedDirectory {
  public let finalPath: String
  /// Where to write until `commit()`.
  public let path: String
  private let replacing: Bool
  private let lock: Int32
  private var isCommitted = false

  /// Makes the temporary directory, and the directories above it where they are missing.
  /// - Parameter replacing: whether whatever has the final name is replaced, all of it.
  /// - Throws: `FileError.exists` if the final name is taken and may not be replaced; `notReplaceable`; others of the
  ///   file system.
  public init(_ finalPath: String, replacing: Bool) throws(FileError) {
    let finalPath = FileTree.withoutTrailingSlashes(finalPath)
    self.finalPath = finalPath
    self.replacing = replacing
    let name = FileTree.name(of: finalPath)
    guard !name.isEmpty, name != ".", name != "..", name != "/" else {
      throw .notReplaceable(path: finalPath, reason: "a new directory needs a name of its own")
    }
    if FileTree.exists(finalPath) {
      guard replacing else { throw .exists(path: finalPath) }
      guard !StagedDirectory.holdsWorkingDirectory(finalPath) else {
        throw .notReplaceable(path: finalPath, reason: "it holds the working directory")
      }
    }
    try FileTree.makeDirectory(FileTree.parent(of: finalPath))
    (path, lock) = try PartialName.make(for: finalPath, flags: O_RDONLY | O_DIRECTORY) { name in
      mkdir(name, 0o777) == 0 ? 0 : errno
    }
  }

  deinit {
    if !isCommitted { discard(path) }
    close(lock)
  }

  /// Gives the directory its final name. With `replacing`, the name never disappears where the file system can exchange
  /// two names.
  /// - Throws: `FileError.exists` if the final name has been taken meanwhile; others of the file system. The final name
  ///   is as it was.
  public func commit() throws(FileError) {
    try FileTree.synchronize(path)
    let replaced = try rename()
    isCommitted = true
    try FileTree.synchronizeEntry(FileTree.parent(of: finalPath))
    if let replaced { discard(replaced) }
  }

  /// Returns where the directory that had the final name is now, if there was one.
  private func rename() throws(FileError) -> String? {
    var code = SystemCalls.rename(path, to: finalPath, .withoutReplacing)
    if code == 0 { return nil }
    if code == EEXIST {
      guard replacing else { throw .exists(path: finalPath) }
      code = SystemCalls.rename(path, to: finalPath, .exchange)
      if code == 0 { return path }
    }
    guard code == ENOSYS || code == EINVAL || code == ENOTSUP else { throw .writing(finalPath, code) }
    return try renameInSteps()
  }

  /// For file systems that can neither exchange names nor rename without replacing.
  private func renameInSteps() throws(FileError) -> String? {
    guard FileTree.exists(finalPath) else {
      guard Glibc.rename(path, finalPath) == 0 else { throw .writing(finalPath) }
      return nil
    }
    guard replacing else { throw .exists(path: finalPath) }
    // Not a name that the next writer takes for abandoned: if the process ends here, this is all there is.
    let aside = "\(FileTree.parent(of: finalPath))/.\(FileTree.name(of: finalPath)).replaced-\(getpid())"
    guard Glibc.rename(finalPath, aside) == 0 else { throw .writing(finalPath) }
    guard Glibc.rename(path, finalPath) == 0 else {
      let code = errno
      guard Glibc.rename(aside, finalPath) == 0 else {
        throw .unwritable(path: finalPath, reason: "what was there is now at \(aside)")
      }
      throw .writing(finalPath, code)
    }
    return aside
  }

  private func discard(_ path: String) {
    do throws(FileError) { try FileTree.remove(path) } catch {
      // What is left has a hidden name, and the next writer of the same final name tries again.
    }
  }

  private static func holdsWorkingDirectory(_ path: String) -> Bool {
    guard let directory = realpath(path, nil) else { return false }
    defer { free(directory) }
    guard let working = getcwd(nil, 0) else { return false }
    defer { free(working) }
    return (String(cString: working) + "/").utf8.starts(with: (String(cString: directory) + "/").utf8)
  }
}
