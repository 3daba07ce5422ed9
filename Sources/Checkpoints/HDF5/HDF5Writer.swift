import Files
import HDF5

/// Writes HDF5 files: one dataset a tensor, whose elements can be mapped.
///
/// libhdf5 makes a temporary file that lacks the elements, and says where they will be; what is written is that, with
/// the elements copied into their places.
public enum HDF5Writer {
  /// Of the one file in a model directory.
  public static let fileName = "model.h5"

  /// Elements begin at multiples of it.
  private static let alignment = 64
  private static let mostDimensions = 32

  /// Writes one file, whole or not at all. The same tensors and attributes make the same bytes.
  ///
  /// Datasets are named like their tensors; slashes in a name make groups. Each has an attribute `dtype`, PyTorch's
  /// name of its type: what HDF5 has no type for is stored as unsigned integers of the same size (bfloat16 as uint16).
  /// - Parameters:
  ///   - attributes: texts to leave at the root: the configuration under `config`.
  ///   - progress: told (bytes written, all bytes) now and then; what it throws ends the writing.
  /// - Throws: `CheckpointError.duplicateTensor`; `.malformedTensor` for a name or a shape that HDF5 cannot have;
  ///   `FileError`, also where libhdf5 is missing; and what the closures throw.
  public static func write(
    _ tensors: [TensorSource], toFile path: String, attributes: [String: String],
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    try check(tensors.map(\.description), path: path)
    let skeleton = try HDF5Skeleton(alignment: alignment, path: path)
    for (name, text) in attributes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      try skeleton.add(name, text)
    }
    var places: [(offset: Int, tensor: TensorSource)] = []
    for tensor in tensors {
      guard let offset = try add(tensor.description, to: skeleton, path: path) else { continue }
      places.append((offset, tensor))
    }
    places.sort { $0.offset < $1.offset }
    let frame = try skeleton.finish()
    let total = tensors.reduce(0) { $0 + $1.description.byteCount }
    var done = 0
    try AtomicFile.write(path) { file in
      try file.reserve(frame.count)
      for (offset, tensor) in places {
        try file.copy(from: frame, range: file.offset..<offset)
        try tensor.write(to: file) { count in
          done += count
          try progress(done, total)
        }
      }
      try file.copy(from: frame, range: file.offset..<frame.count)
    }
  }

  private static func add(
    _ tensor: TensorDescription, to skeleton: HDF5Skeleton, path: String
  ) throws(CheckpointError) -> Int? {
    do throws(HDF5Library.Failure) {
      return try skeleton.addDataset(
        tensor.name, type: tensor.type.storage, shape: tensor.shape, dtype: tensor.type.torchName)
    } catch {
      throw .malformedTensor(path: path, tensor: tensor.name, reason: "cannot be written: \(error)")
    }
  }

  private static func check(_ tensors: [TensorDescription], path: String) throws(CheckpointError) {
    var names: Set<String> = []
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else { throw .duplicateTensor(path: path, tensor: tensor.name) }
      // "." is the group itself.
      let parts = tensor.name.split(separator: "/", omittingEmptySubsequences: false)
      guard !parts.contains(""), !parts.contains("."), !tensor.name.utf8.contains(0) else {
        throw .malformedTensor(path: path, tensor: tensor.name, reason: "a name that HDF5 does not have")
      }
      guard tensor.shape.count <= mostDimensions else {
        throw .malformedTensor(
          path: path, tensor: tensor.name,
          reason: "\(tensor.shape.count) dimensions, expected at most \(mostDimensions) in HDF5")
      }
    }
  }
}
