import Files
import Synchronization

/// The deflated storages of an archive. They are unpacked into one file without a name, made when the first of them is
/// asked for: a process may have a thousand files open, and an archive has as many storages as it likes.
final class DeflatedStorages: Sendable {
  /// No page of the mapped file may have bytes of two storages, of which one is read while the other is written. No
  /// system's pages are larger.
  private static let alignment = 1 << 16

  /// By the member's name.
  private let starts: [String: Int]
  private let count: Int
  private let file = Mutex<TemporaryFile?>(nil)

  init(_ members: [ZipArchive.Member]) {
    var starts: [String: Int] = [:]
    var count = 0
    for member in members where member.isDeflated {
      starts[member.name] = count
      // Cannot overflow: the compressed bytes are those of the file, and at most 1032 times as many come out of them.
      count += (member.size + DeflatedStorages.alignment - 1) / DeflatedStorages.alignment * DeflatedStorages.alignment
    }
    self.starts = starts
    self.count = count
  }

  /// Unpacks a member; doing it twice writes the same bytes again.
  /// - Throws: `CheckpointError.malformed`, `.file`.
  fileprivate func unpack(_ bytes: DeflatedBytes) throws(CheckpointError) -> FileRegion {
    guard let start = starts[bytes.name] else { preconditionFailure("a member of another archive") }
    do {
      let file = try opened()
      var position = start
      try bytes.inflate { part in
        try file.write(part, at: position)
        position += part.count
      }
      return FileRegion(file: file.contents, range: start..<position)
    } catch let error as PyTorchFailure {
      throw error.error(in: bytes.region.file.path)
    } catch let error as FileError {
      throw .file(error)
    } catch {
      throw .malformed(path: bytes.region.file.path, format: .pyTorch, reason: "\(error)")
    }
  }

  private func opened() throws(FileError) -> TemporaryFile {
    try file.withLock { file throws(FileError) in
      if let file { return file }
      let new = try TemporaryFile(count: count)
      file = new
      return new
    }
  }
}

/// A compressed storage. It is unpacked when an element is first asked for, and stays so.
final class DeflatedStorage: TensorStorage {
  private let bytes: DeflatedBytes
  private let storages: DeflatedStorages
  private let unpacked = Mutex<FileRegion?>(nil)

  init(_ bytes: DeflatedBytes, of storages: DeflatedStorages) {
    self.bytes = bytes
    self.storages = storages
  }

  func region() throws(CheckpointError) -> FileRegion {
    try unpacked.withLock { unpacked throws(CheckpointError) in
      if let unpacked { return unpacked }
      let region = try storages.unpack(bytes)
      unpacked = region
      return region
    }
  }
}
