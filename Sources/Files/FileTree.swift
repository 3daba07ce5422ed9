import Glibc

/// Directories and what is in them.
public enum FileTree {
  /// Makes a directory and those above it, where they are missing.
  public static func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, 0o777) == 0 { return }
    switch errno {
    case EEXIST:
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
    case ENOENT:
      let parent = parent(of: path)
      guard parent != path, parent != "." else { throw .writing(path) }
      try makeDirectory(parent)
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw .writing(path) }
    case ENOTDIR: throw .notADirectory(path: parent(of: path))
    default: throw .writing(path)
    }
  }

  /// Names in a directory, without `.` and `..`, in order of their bytes.
  public static func names(in directory: String) throws(FileError) -> [String] {
    guard let stream = opendir(directory) else { throw .reading(directory) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Removes a file, a link (not what it points to), or a directory with everything in it. Nothing there is no error.
  public static func remove(_ path: String) throws(FileError) {
    if unlink(path) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw .writing(path) }
    for name in try names(in: path) { try remove(path + "/" + name) }
    guard rmdir(path) == 0 || errno == ENOENT else { throw .writing(path) }
  }

  /// Everything in the directory, and the directory, is on the disk after this.
  static func synchronize(_ directory: String) throws(FileError) {
    for name in try names(in: directory) {
      let path = directory + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { throw .reading(path) }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try synchronize(path)
      case S_IFREG: try synchronizeEntry(path)
      default: break
      }
    }
    try synchronizeEntry(directory)
  }

  /// One file's contents, or one directory's names, are on the disk after this.
  public static func synchronizeEntry(_ path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .writing(path) }
    defer { close(descriptor) }
    // Some file systems cannot sync a directory (EINVAL); renames are atomic there all the same.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .writing(path) }
  }

  /// Whether something has this name, be it a link to nothing.
  public static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Whether this is a regular file, or a link to one.
  public static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether this is a directory, or a link to one.
  public static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The directory that holds `path`: "." for a bare name.
  public static func parent(of path: String) -> String {
    let path = withoutTrailingSlashes(path)
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == path.startIndex ? "/" : withoutTrailingSlashes(String(path[..<slash]))
  }

  /// The last component of `path`.
  static func name(of path: String) -> String {
    let path = withoutTrailingSlashes(path)
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }

  /// The same path for something that may be a directory: "a/b/" is "a/b", "/" stays.
  public static func withoutTrailingSlashes(_ path: String) -> String {
    var path = path[...]
    while path.utf8.count > 1, path.utf8.last == 0x2F { path = path.dropLast() }
    return String(path)
  }

  /// What a mode of `stat` is, in words.
  static func kind(_ mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFREG: "a file"
    case S_IFDIR: "a directory"
    case S_IFIFO: "a pipe"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "something else"
    }
  }
}
