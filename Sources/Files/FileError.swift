import Glibc

/// What can go wrong with a file or a directory. One line that names the path and the reason.
public enum FileError: Error, Sendable, Equatable, CustomStringConvertible {
  case notFound(path: String)
  /// `found` is what is there instead: "a directory", "a pipe".
  case notARegularFile(path: String, found: String)
  case notADirectory(path: String)
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case diskFull(path: String)
  case exists(path: String)
  /// A directory that must not be replaced: the root, or one that holds the working directory.
  case notReplaceable(path: String, reason: String)
  /// Another process changed the file while it was being read.
  case changed(path: String)
  /// Another process holds the file's lock.
  case busy(path: String)

  public var description: String {
    switch self {
    case .notFound(let path): "\(path): no such file or directory"
    case .notARegularFile(let path, let found): "\(path): \(found), expected a file"
    case .notADirectory(let path): "\(path): not a directory"
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    case .diskFull(let path):
      "\(path): cannot be written: no space is left on the disk; make room, or choose another place"
    case .exists(let path): "\(path): exists already; --force replaces it"
    case .notReplaceable(let path, let reason): "\(path): is not replaced: \(reason)"
    case .changed(let path): "\(path): changed while it was being read; try again when nothing writes to it"
    case .busy(let path): "\(path): another process is writing to it; wait for its end, or choose another place"
    }
  }

  /// The error of a call that failed to read, from `errno`.
  static func reading(_ path: String, _ code: Int32 = errno) -> FileError {
    switch code {
    case ENOENT: .notFound(path: path)
    case ENOTDIR: .notADirectory(path: path)
    default: .unreadable(path: path, reason: reason(code))
    }
  }

  /// The error of a call that failed to write, from `errno`.
  static func writing(_ path: String, _ code: Int32 = errno) -> FileError {
    switch code {
    case ENOSPC: .diskFull(path: path)
    case EEXIST: .exists(path: path)
    default: .unwritable(path: path, reason: reason(code))
    }
  }

  private static func reason(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text).lowercased()
  }
}
