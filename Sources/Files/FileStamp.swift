import Glibc

/// What tells two states of a file apart: which file it is, its size, and when it was last written to.
public struct FileStamp: Sendable, Equatable, CustomStringConvertible {
  private let path: String
  private let device: UInt
  private let number: UInt
  private let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  /// - Throws: `FileError`.
  public init(_ path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .reading(path) }
    self.path = path
    device = UInt(status.st_dev)
    number = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }

  /// The state without the file's name and place, for a record of what was read: they may change while it does not.
  public var description: String { "\(number), \(size) bytes, \(seconds).\(nanoseconds)" }

  /// Checks that the file is as it was.
  /// - Throws: `FileError.changed`; others when it is gone.
  public func check() throws(FileError) {
    guard try FileStamp(path) == self else { throw .changed(path: path) }
  }
}
