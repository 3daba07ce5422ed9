import Glibc

/// One file of input text: what its name says about its form and compression.
public struct InputFile: Sendable, Equatable {
  public enum Form: String, Sendable { case text, jsonLines }
  public enum Compression: String, Sendable { case none, gzip, zstd }

  public let path: String
  public let form: Form
  public let compression: Compression
  /// Bytes as stored.
  public let size: Int
  /// Modification time in nanoseconds since 1970: with the size, how a resumed preparation notices a changed input.
  public let modified: Int

  static let acceptedExtensions = ".txt, .jsonl or .json, each also .gz or .zst"

  /// - Throws: `DatasetError` if the name has no known extension, or `path` is no readable regular file.
  public init(_ path: String) throws(DatasetError) {
    guard let (form, compression) = InputFile.kind(of: path) else { throw .unknownExtension(path: path) }
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { throw .inputNotFound(path: path) }
      throw .unreadable(path: path, reason: systemReason())
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    self.path = path
    self.form = form
    self.compression = compression
    size = Int(status.st_size)
    modified = Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
  }

  /// The form and compression that a file's name stands for, or nil.
  static func kind(of path: String) -> (Form, Compression)? {
    var name = path[...]
    var compression = Compression.none
    if name.hasSuffix(".gz") {
      compression = .gzip
      name = name.dropLast(3)
    } else if name.hasSuffix(".zst") {
      compression = .zstd
      name = name.dropLast(4)
    }
    if name.hasSuffix(".txt") { return (.text, compression) }
    if name.hasSuffix(".jsonl") || name.hasSuffix(".json") { return (.jsonLines, compression) }
    return nil
  }
}

extension InputFile {
  /// Files, directories and glob patterns → files. The arguments keep their order; a directory gives its files of a known
  /// extension, at any depth, and a pattern its matches, both sorted by path (bytewise). Hidden files, linked directories
  /// and what a preparation writes are passed over in directories; a file that is named must have a known extension.
  public static func expand(_ arguments: [String]) throws(DatasetError) -> [InputFile] {
    guard !arguments.isEmpty else { throw .noInputs }
    var files: [InputFile] = []
    for argument in arguments { files += try expand(argument) }
    var seen: [FileIdentity: String] = [:]
    for file in files {
      let identity = try FileIdentity(file.path)
      if let first = seen.updateValue(file.path, forKey: identity) {
        throw .sameFileTwice(first: first, second: file.path)
      }
    }
    return files
  }

  private static func expand(_ argument: String) throws(DatasetError) -> [InputFile] {
    var status = stat()
    if stat(argument, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { return [try InputFile(argument)] }
      var trimmed = argument[...]
      while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
      return try directory(String(trimmed), named: argument)
    }
    guard argument.contains(where: { "*?[".contains($0) }) else { throw .inputNotFound(path: argument) }
    var files: [InputFile] = []
    for path in try matches(of: argument) {
      if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        files += try directory(path, named: path)
      } else {
        files.append(try InputFile(path))
      }
    }
    return files
  }

  private static func directory(_ path: String, named argument: String) throws(DatasetError) -> [InputFile] {
    var paths: [String] = []
    try collect(path, into: &paths)
    guard !paths.isEmpty else { throw .emptyDirectory(path: argument) }
    var files: [InputFile] = []
    for path in paths.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { files.append(try InputFile(path)) }
    return files
  }

  private static func collect(_ directory: String, into paths: inout [String]) throws(DatasetError) {
    guard let handle = opendir(directory) else { throw .unreadable(path: directory, reason: systemReason()) }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix(while: { $0 != 0 }), as: UTF8.self)
      }
      if name.hasPrefix(".") || OutputDirectory.textFiles.contains(name) { continue }
      let path = directory == "/" ? "/" + name : directory + "/" + name
      var status = stat()
      // A link to a directory is passed over: links can form loops.
      guard lstat(path, &status) == 0 else {
        // A name that is not UTF-8 is another one here.
        if kind(of: name) == nil { continue }
        throw .unreadable(path: path, reason: systemReason())
      }
      if status.st_mode & S_IFMT == S_IFDIR {
        try collect(path, into: &paths)
      } else if kind(of: name) != nil {
        guard stat(path, &status) == 0 else { throw .unreadable(path: path, reason: systemReason()) }
        if status.st_mode & S_IFMT == S_IFREG { paths.append(path) }
      }
    }
  }

  static func matches(of pattern: String) throws(DatasetError) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    switch glob(pattern, 0, nil, &result) {
    case 0: break
    case GLOB_NOMATCH: throw .noMatch(pattern: pattern)
    default: throw .unreadable(path: pattern, reason: "the pattern cannot be expanded")
    }
    var paths: [String] = []
    for index in 0..<Int(result.gl_pathc) {
      if let path = result.gl_pathv[index] { paths.append(String(cString: path)) }
    }
    return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

private struct FileIdentity: Hashable {
  let device: UInt
  let inode: UInt

  init(_ path: String) throws(DatasetError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .unreadable(path: path, reason: systemReason()) }
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
  }
}
