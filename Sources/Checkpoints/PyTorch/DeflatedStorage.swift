import Files
import Synchronization

/// A compressed storage. It is unpacked when an element is first asked for, and stays so.
final class DeflatedStorage: TensorStorage {
  private let bytes: DeflatedBytes
  private let file: UnpackedFile
  private let unpacked = Mutex<FileRegion?>(nil)

  /// - Parameter file: has a part of the member's name and size.
  init(_ bytes: DeflatedBytes, in file: UnpackedFile) {
    self.bytes = bytes
    self.file = file
  }

  func region() throws(CheckpointError) -> FileRegion {
    try unpacked.withLock { unpacked throws(CheckpointError) in
      if let unpacked { return unpacked }
      let region = try unpack()
      unpacked = region
      return region
    }
  }

  /// Doing it twice writes the same bytes again.
  private func unpack() throws(CheckpointError) -> FileRegion {
    do {
      let (file, start) = try file.place(of: bytes.name)
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
}
