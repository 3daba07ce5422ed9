import Files
import Synchronization

/// Room for what is unpacked of one checkpoint, in one file without a name, made when it is first needed: a process may
/// have a thousand files open, and a checkpoint has as many tensors as it likes.
final class UnpackedFile: Sendable {
  /// No page of the mapped file may have bytes of two parts, of which one is read while the other is written. No system's
  /// pages are larger.
  private static let alignment = 1 << 16

  private let starts: [String: Int]
  private let count: Int
  private let file = Mutex<TemporaryFile?>(nil)

  /// - Parameter parts: names that are not the same, and sizes in bytes, of which the sum does not overflow.
  init(_ parts: [(name: String, size: Int)]) {
    var starts: [String: Int] = [:]
    var count = 0
    for (name, size) in parts {
      starts[name] = count
      count += (size + UnpackedFile.alignment - 1) / UnpackedFile.alignment * UnpackedFile.alignment
    }
    self.starts = starts
    self.count = count
  }

  /// Where a part is to be written: the file, and the place in it. Until then there are zeros.
  func place(of name: String) throws(FileError) -> (file: TemporaryFile, start: Int) {
    guard let start = starts[name] else { preconditionFailure("a part of another checkpoint") }
    return try file.withLock { file throws(FileError) in
      if let file { return (file, start) }
      let new = try TemporaryFile(count: count)
      file = new
      return (new, start)
    }
  }
}
