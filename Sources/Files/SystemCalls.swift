import Glibc

/// Linux calls that the C library hides from Swift (they stand behind `_GNU_SOURCE`), looked up by name. Nil where the
/// C library has none; every caller has another way then.
enum SystemCalls {
  typealias CopyFileRange =
    @convention(c) (
      _ from: Int32, _ fromOffset: UnsafeMutablePointer<Int64>?, _ to: Int32, _ toOffset: UnsafeMutablePointer<Int64>?,
      _ count: Int, _ flags: UInt32
    ) -> Int
  typealias RenameAt2 =
    @convention(c) (
      _ oldDirectory: Int32, _ old: UnsafePointer<CChar>, _ newDirectory: Int32, _ new: UnsafePointer<CChar>,
      _ flags: UInt32
    ) -> Int32

  typealias Allocate = @convention(c) (_ file: Int32, _ mode: Int32, _ offset: Int, _ count: Int) -> Int32
  typealias SyncFileRange = @convention(c) (_ file: Int32, _ offset: Int, _ count: Int, _ flags: UInt32) -> Int32

  static let copyFileRange = dlsym(nil, "copy_file_range").map { unsafeBitCast($0, to: CopyFileRange.self) }
  static let allocate = dlsym(nil, "fallocate").map { unsafeBitCast($0, to: Allocate.self) }
  private static let syncFileRange = dlsym(nil, "sync_file_range").map { unsafeBitCast($0, to: SyncFileRange.self) }
  private static let renameAt2 = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: RenameAt2.self) }

  /// Has the system begin to write a part of a file to the disk (SYNC_FILE_RANGE_WRITE). Only a hint: errors show when the
  /// file is synced.
  static func startWriting(_ file: Int32, _ range: Range<Int>) {
    _ = syncFileRange?(file, range.lowerBound, range.count, 2)
  }

  enum Rename: UInt32 {
    /// Fails with EEXIST where something has the new name (RENAME_NOREPLACE).
    case withoutReplacing = 1
    /// Both names swap what they name (RENAME_EXCHANGE).
    case exchange = 2
  }

  /// Renames in one step. Returns 0 or an errno; ENOSYS or EINVAL where the kernel or the file system cannot.
  static func rename(_ old: String, to new: String, _ kind: Rename) -> Int32 {
    guard let renameAt2 else { return ENOSYS }
    return renameAt2(AT_FDCWD, old, AT_FDCWD, new, kind.rawValue) == 0 ? 0 : errno
  }
}
