import Glibc

/// Hidden names beside a final one, under which something is written before it is renamed:
/// `.name.partial-<process>-<number>`.
///
/// Whoever writes under such a name holds a lock on it. A name that nobody has locked was left by a process that was
/// killed, and the next writer of the same final name removes it.
enum PartialName {
  private static let longestName = 255

  /// Creates `path` with `create` (0, or an errno) under a new name and locks it.
  /// - Returns: the name's path, and a descriptor that holds the lock until it is closed.
  static func make(
    for final: String, flags: Int32, create: (String) -> Int32
  ) throws(FileError) -> (path: String, descriptor: Int32) {
    removeAbandoned(of: final)
    let directory = FileTree.parent(of: final)
    let prefix = prefix(of: final)
    var number = 0
    while true {
      number += 1
      let path = "\(directory)/\(prefix)\(getpid())-\(number)"
      let code = create(path)
      if code == EEXIST { continue }
      guard code == 0 else { throw .writing(final, code) }
      let descriptor = open(path, flags | O_CLOEXEC)
      guard descriptor >= 0 else {
        // Taken for abandoned by another process, between its making and this line.
        if errno == ENOENT { continue }
        throw .writing(final)
      }
      // Held by another: one who takes it for abandoned. A file system without locks is no reason to refuse.
      let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
      if !isTaken, isStillNamed(descriptor, path) { return (path, descriptor) }
      close(descriptor)
    }
  }

  /// Removes what killed writers of the same final name have left. What cannot be removed does no harm: a name that is
  /// taken is passed over.
  private static func removeAbandoned(of final: String) {
    let directory = FileTree.parent(of: final)
    let prefix = prefix(of: final)
    do throws(FileError) {
      for name in try FileTree.names(in: directory) where name.utf8.starts(with: prefix.utf8) {
        let path = directory + "/" + name
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { continue }
        defer { close(descriptor) }
        // The name may have passed to another file meanwhile.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isStillNamed(descriptor, path) else { continue }
        try FileTree.remove(path)
      }
    } catch {
      // The write itself meets whatever is wrong with the directory, and says so.
    }
  }

  private static func isStillNamed(_ descriptor: Int32, _ path: String) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino
      && opened.st_dev == named.st_dev
  }

  /// `.name.partial-`, the name cut where the whole would be too long for a file system.
  private static func prefix(of final: String) -> String {
    let suffix = ".partial-"
    var name = FileTree.name(of: final)
    // Room for two numbers and a dash.
    while name.utf8.count + suffix.utf8.count + 32 > longestName { name.removeLast() }
    return "." + name + suffix
  }
}
