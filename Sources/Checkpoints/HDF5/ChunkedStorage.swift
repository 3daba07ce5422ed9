import Files
import HDF5
import Synchronization

/// The elements of an HDF5 dataset in chunks. They are unpacked, all of them, when one is first asked for.
final class ChunkedStorage: TensorStorage {
  private let dataset: String
  private let source: HDF5File
  private let file: UnpackedFile
  private let unpacked = Mutex<FileRegion?>(nil)

  /// - Parameter file: has a part of the dataset's name and size.
  init(_ dataset: String, of source: HDF5File, in file: UnpackedFile) {
    self.dataset = dataset
    self.source = source
    self.file = file
  }

  func region() throws(CheckpointError) -> FileRegion {
    try unpacked.withLock { unpacked throws(CheckpointError) in
      if let unpacked { return unpacked }
      do throws(HDF5Error) {
        let region = try unpack()
        unpacked = region
        return region
      } catch { throw CheckpointError(error) }
    }
  }

  private func unpack() throws(HDF5Error) -> FileRegion {
    guard let chunks = try source.chunks(of: dataset) else { preconditionFailure("a dataset that is not in chunks") }
    let place: (file: TemporaryFile, start: Int)
    do { place = try file.place(of: dataset) } catch { throw .file(error) }
    var buffer: UnsafeMutableRawBufferPointer?
    defer { buffer?.deallocate() }
    for number in 0..<chunks.count {
      let isThere = try chunks.read(number) {
        let chunk = buffer ?? .allocate(byteCount: chunks.byteCount, alignment: 16)
        buffer = chunk
        return chunk
      }
      do throws(FileError) {
        if isThere, let buffer {
          try write(chunks, number, UnsafeRawBufferPointer(buffer), to: place)
        } else {
          try fill(chunks, number, place)
        }
      } catch { throw .file(error) }
    }
    return FileRegion(file: place.file.contents, range: place.start..<place.start + chunks.dataset.byteCount)
  }

  private func write(
    _ chunks: HDF5Chunks, _ number: Int, _ bytes: UnsafeRawBufferPointer, to place: (file: TemporaryFile, start: Int)
  ) throws(FileError) {
    let size = chunks.dataset.type.size
    try chunks.forEachRun(of: number) { source, target, count throws(FileError) in
      let run = UnsafeRawBufferPointer(rebasing: bytes[source * size..<(source + count) * size])
      try place.file.write(run, at: place.start + target * size)
    }
  }

  /// For a chunk that was never written. Zeros are there already.
  private func fill(
    _ chunks: HDF5Chunks, _ number: Int, _ place: (file: TemporaryFile, start: Int)
  ) throws(FileError) {
    guard chunks.fillValue.contains(where: { $0 != 0 }) else { return }
    let size = chunks.dataset.type.size
    try chunks.forEachRun(of: number) { _, target, count throws(FileError) in
      let step = min(count, 1 << 14)
      let values = [UInt8]([[UInt8]](repeating: chunks.fillValue, count: step).joined())
      for first in stride(from: 0, to: count, by: step) {
        let part = min(step, count - first) * size
        let result: Result<Void, FileError> = values.withUnsafeBytes { bytes in
          do throws(FileError) {
            let run = UnsafeRawBufferPointer(rebasing: bytes[..<part])
            return .success(try place.file.write(run, at: place.start + (target + first) * size))
          } catch { return .failure(error) }
        }
        try result.get()
      }
    }
  }
}
