import CHDF5
import Files

/// A file that libhdf5 makes: datasets of one dimension in chunks, which are appended one after the other. One such
/// file, or `HDF5Skeleton`, exists at a time; a second waits. All calls are made by one thread.
public final class HDF5ChunkedFile {
  /// What errors name.
  private let path: String
  private let file: OpaquePointer

  /// - Parameters:
  ///   - partial: a file, which is replaced.
  ///   - path: what errors name.
  /// - Throws: `FileError`, also where libhdf5 is missing or older than 1.10.7.
  public init(_ partial: String, path: String) throws(FileError) {
    do { _ = try HDF5Library.load() } catch { throw .unwritable(path: path, reason: "\(error)") }
    var reason: UnsafePointer<CChar>?
    guard let file = chdf5_chunked_create(partial, &reason) else {
      throw .unwritable(path: path, reason: "\(HDF5Library.Failure(reason))")
    }
    self.file = file
    self.path = path
  }

  deinit { chdf5_chunked_free(file) }

  /// Attributes and datasets go to a new group in the root from now on, or to the root again, which is "".
  public func beginGroup(_ name: String) throws(FileError) {
    try check { chdf5_chunked_begin_group(file, name.isEmpty ? "/" : name, $0) }
  }

  public func add(_ name: String, _ text: String) throws(FileError) {
    try check { chdf5_chunked_add_text(file, name, text, $0) }
  }

  public func add(_ name: String, _ value: Int) throws(FileError) {
    try check { chdf5_chunked_add_integer(file, name, Int64(value), $0) }
  }

  public func add(_ name: String, _ value: Double) throws(FileError) {
    try check { chdf5_chunked_add_real(file, name, value, $0) }
  }

  /// Begins a dataset; it can be appended to, also later and by others, since it may grow without limit.
  /// - Parameter chunk: elements of a chunk.
  public func beginDataset(_ name: String, type: HDF5Number, chunk: Int) throws(FileError) {
    try check {
      chdf5_chunked_begin_dataset(
        file, name, type.storage, UInt64(chunk), HDF5PackedChunk.isShuffled(elementSize: type.size),
        UInt32(HDF5PackedChunk.deflateLevel), $0)
    }
  }

  public func append(_ chunk: HDF5PackedChunk) throws(FileError) {
    try check { reason in
      chunk.bytes.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return true }
        return chdf5_chunked_append(file, UInt64(chunk.count), base, bytes.count, reason)
      }
    }
  }

  public func endDataset() throws(FileError) { try check { chdf5_chunked_end_dataset(file, $0) } }

  /// Nothing can be added after this.
  public func finish() throws(FileError) { try check { chdf5_chunked_finish(file, $0) } }

  private func check(_ call: (UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Bool) throws(FileError) {
    var reason: UnsafePointer<CChar>?
    guard call(&reason) else { throw .unwritable(path: path, reason: "\(HDF5Library.Failure(reason))") }
  }
}
