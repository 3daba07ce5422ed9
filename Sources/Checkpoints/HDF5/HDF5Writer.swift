import CHDF5
import Files

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
      guard let offset = try skeleton.add(tensor.description) else { continue }
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

/// A nameless file that libhdf5 makes, complete but for the elements. One exists at a time; a second waits.
private final class HDF5Skeleton {
  private let path: String
  private let skeleton: OpaquePointer

  /// - Parameter path: what errors name.
  init(alignment: Int, path: String) throws(FileError) {
    do { _ = try HDF5Library.load() } catch { throw .unwritable(path: path, reason: "\(error)") }
    var reason: UnsafePointer<CChar>?
    guard let skeleton = chdf5_skeleton_create(UInt64(alignment), &reason) else {
      throw HDF5Skeleton.failure(path, reason)
    }
    self.skeleton = skeleton
    self.path = path
  }

  deinit { chdf5_skeleton_free(skeleton) }

  func add(_ name: String, _ text: String) throws(FileError) {
    var reason: UnsafePointer<CChar>?
    guard chdf5_skeleton_add_text(skeleton, name, text, &reason) else { throw HDF5Skeleton.failure(path, reason) }
  }

  /// Returns where the elements will be, in bytes from the file's beginning; nil for a tensor without any.
  func add(_ tensor: TensorDescription) throws(CheckpointError) -> Int? {
    var reason: UnsafePointer<CChar>?
    var offset: Int64 = -1
    let added = chdf5_skeleton_add_dataset(
      skeleton, tensor.name, tensor.type.storage, Int32(tensor.shape.count), tensor.shape.map(UInt64.init),
      tensor.type.torchName, &offset, &reason)
    guard added, offset >= 0 || tensor.byteCount == 0 else {
      throw .malformedTensor(
        path: path, tensor: tensor.name, reason: "cannot be written: \(HDF5Skeleton.text(reason))")
    }
    return tensor.byteCount == 0 ? nil : Int(offset)
  }

  /// The file's bytes. Nothing can be added after this.
  func finish() throws(FileError) -> MappedFile {
    var reason: UnsafePointer<CChar>?
    let descriptor = chdf5_skeleton_finish(skeleton, &reason)
    guard descriptor >= 0 else { throw HDF5Skeleton.failure(path, reason) }
    return try MappedFile("/proc/self/fd/\(descriptor)")
  }

  private static func failure(_ path: String, _ reason: UnsafePointer<CChar>?) -> FileError {
    .unwritable(path: path, reason: text(reason))
  }

  private static func text(_ reason: UnsafePointer<CChar>?) -> String {
    "libhdf5: \(reason.map { String(cString: $0) } ?? "unknown reason")"
  }
}

extension ElementType {
  /// What HDF5 stores it as.
  fileprivate var storage: chdf5_type {
    switch self {
    case .float64: CHDF5_F64
    case .float32: CHDF5_F32
    case .float16: CHDF5_F16
    case .int64: CHDF5_I64
    case .int32: CHDF5_I32
    case .int16: CHDF5_I16
    case .int8: CHDF5_I8
    case .uint64, .complex64: CHDF5_U64
    case .uint32: CHDF5_U32
    case .uint16, .bfloat16: CHDF5_U16
    case .uint8, .bool, .float8e4m3, .float8e5m2, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz: CHDF5_U8
    }
  }
}
