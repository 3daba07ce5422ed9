import CHDF5
import Files

/// A nameless file that libhdf5 makes, complete but for the elements of its datasets: it says where they will be. One
/// exists at a time; a second waits.
public final class HDF5Skeleton {
  private let path: String
  private let skeleton: OpaquePointer

  /// - Parameters:
  ///   - alignment: datasets begin at multiples of so many bytes.
  ///   - path: what errors name.
  /// - Throws: `FileError`, also where libhdf5 is missing.
  public init(alignment: Int, path: String) throws(FileError) {
    do { _ = try HDF5Library.load() } catch { throw .unwritable(path: path, reason: "\(error)") }
    var reason: UnsafePointer<CChar>?
    guard let skeleton = chdf5_skeleton_create(UInt64(alignment), &reason) else {
      throw .unwritable(path: path, reason: "\(HDF5Library.Failure(reason))")
    }
    self.skeleton = skeleton
    self.path = path
  }

  deinit { chdf5_skeleton_free(skeleton) }

  /// Adds a text to the root's attributes.
  public func add(_ name: String, _ text: String) throws(FileError) {
    var reason: UnsafePointer<CChar>?
    guard chdf5_skeleton_add_text(skeleton, name, text, &reason) else {
      throw .unwritable(path: path, reason: "\(HDF5Library.Failure(reason))")
    }
  }

  /// Adds a dataset with an attribute `dtype`; slashes in the name make groups. bfloat16 is stored as uint16.
  /// - Returns: where the elements will be, in bytes from the file's beginning; nil for a dataset without any.
  public func addDataset(
    _ name: String, type: HDF5Number, shape: [Int], dtype: String
  ) throws(HDF5Library.Failure) -> Int? {
    var reason: UnsafePointer<CChar>?
    var offset: Int64 = -1
    let added = chdf5_skeleton_add_dataset(
      skeleton, name, type.storage, Int32(shape.count), shape.map(UInt64.init), dtype, &offset, &reason)
    let isEmpty = shape.contains(0)
    guard added, offset >= 0 || isEmpty else { throw HDF5Library.Failure(reason) }
    return isEmpty ? nil : Int(offset)
  }

  /// The file's bytes. Nothing can be added after this.
  public func finish() throws(FileError) -> MappedFile {
    var reason: UnsafePointer<CChar>?
    let descriptor = chdf5_skeleton_finish(skeleton, &reason)
    guard descriptor >= 0 else { throw .unwritable(path: path, reason: "\(HDF5Library.Failure(reason))") }
    return try MappedFile("/proc/self/fd/\(descriptor)")
  }
}

extension HDF5Number {
  /// What libhdf5 is asked to store it as.
  var storage: chdf5_type {
    switch self {
    case .int8: CHDF5_I8
    case .int16: CHDF5_I16
    case .int32: CHDF5_I32
    case .int64: CHDF5_I64
    case .uint8: CHDF5_U8
    case .uint16, .bfloat16: CHDF5_U16
    case .uint32: CHDF5_U32
    case .uint64: CHDF5_U64
    case .float16: CHDF5_F16
    case .float32: CHDF5_F32
    case .float64: CHDF5_F64
    }
  }
}
