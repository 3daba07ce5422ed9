import Files
import Synchronization

/// A compressed storage. It is unpacked when an element is first asked for, into a file without a name, and stays there.
final class DeflatedStorage: TensorStorage {
  private let bytes: DeflatedBytes
  private let unpacked = Mutex<FileRegion?>(nil)

  init(_ bytes: DeflatedBytes) { self.bytes = bytes }

  func region() throws(CheckpointError) -> FileRegion {
    try unpacked.withLock { unpacked throws(CheckpointError) in
      if let unpacked { return unpacked }
      let region = try unpack()
      unpacked = region
      return region
    }
  }

  private func unpack() throws(CheckpointError) -> FileRegion {
    do {
      let file = try MappedFile.temporary { writer in try bytes.inflate { try writer.write($0) } }
      return FileRegion(file: file, range: 0..<file.count)
    } catch let error as PyTorchFailure {
      throw error.error(in: bytes.region.file.path)
    } catch let error as FileError {
      throw .file(error)
    } catch {
      throw .malformed(path: bytes.region.file.path, format: .pyTorch, reason: "\(error)")
    }
  }
}
