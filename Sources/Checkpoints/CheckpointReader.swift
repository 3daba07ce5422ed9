/// A checkpoint on the disk. Opening it reads and checks what describes the tensors; elements are mapped, and read when
/// they are touched.
public protocol CheckpointReader: Sendable {
  /// The file, or the index of several.
  var path: String { get }
  /// In the order of the files, and of the elements in each file.
  var tensors: [TensorDescription] { get }
  /// Texts that the writer of the file has left: "format": "pt".
  var metadata: [String: String] { get }
  /// The paths of all files that belong to the checkpoint.
  var files: [String] { get }

  func description(of name: String) -> TensorDescription?

  /// Where a tensor's elements are: contiguous, row-major, little-endian, not always aligned.
  /// - Throws: `CheckpointError.missingTensor`.
  func region(of name: String) throws(CheckpointError) -> FileRegion

  /// The bytes of one of `files` that say everything but the elements: names, types, shapes. Nil where the format has
  /// them in no one place. Valid as long as the reader lives.
  func header(of path: String) -> UnsafeRawBufferPointer?
}

extension CheckpointReader {
  /// A tensor's elements, as `region(of:)`. Valid as long as the reader lives.
  /// - Throws: `CheckpointError.missingTensor`.
  public func bytes(of name: String) throws(CheckpointError) -> UnsafeRawBufferPointer { try region(of: name).bytes }

  /// Reads a whole tensor as Float.
  /// - Throws: `CheckpointError.missingTensor`, `.notFloatingPoint`.
  /// - Precondition: `values` has a place for each element.
  public func read(_ name: String, into values: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    if let count = description(of: name)?.elementCount {
      precondition(count == values.count, "a buffer of another size")
    }
    try read(name, elements: 0..<values.count, into: values)
  }

  /// Reads elements of a tensor, counted in row-major order, as Float.
  /// - Throws: `CheckpointError.missingTensor`, `.notFloatingPoint`.
  /// - Precondition: the elements exist, and `values` has a place for each.
  public func read(
    _ name: String, elements: Range<Int>, into values: UnsafeMutableBufferPointer<Float>
  ) throws(CheckpointError) {
    guard let description = description(of: name) else { throw .missingTensor(path: path, tensor: name) }
    guard description.type.isFloat else {
      throw .notFloatingPoint(path: path, tensor: name, found: description.type.rawValue)
    }
    precondition(elements.count == values.count, "a buffer of another size")
    let size = description.type.size
    let bytes = try bytes(of: name)[elements.lowerBound * size..<elements.upperBound * size]
    description.type.convert(UnsafeRawBufferPointer(rebasing: bytes), into: values)
  }
}
