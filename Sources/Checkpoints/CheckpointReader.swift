import Files

/// A checkpoint on the disk. Opening it reads and checks what describes the tensors; elements are mapped, and read when
/// they are touched.
public protocol CheckpointReader: Sendable {
  /// The file, or the index of several.
  var path: String { get }
  var format: CheckpointFormat { get }
  /// In the order of the files, and of the elements in each file.
  var tensors: [TensorDescription] { get }
  /// Texts that the writer of the file has left: "format": "pt".
  var metadata: [String: String] { get }
  /// What else the file says, in plain values: nanoGPT's `model_args`, the configuration in an HDF5 file.
  var settings: JSONObject { get }
  /// The paths of all files that belong to the checkpoint.
  var files: [String] { get }

  func description(of name: String) -> TensorDescription?

  /// A tensor's elements, of which none is read.
  /// - Throws: `CheckpointError.missingTensor`.
  func contents(of name: String) throws(CheckpointError) -> TensorContents

  /// The bytes of one of `files` that say everything but the elements: names, types, shapes. Nil where the format has
  /// them in no one place. Valid as long as the reader lives.
  func header(of path: String) -> UnsafeRawBufferPointer?
}

extension CheckpointReader {
  public var settings: JSONObject { [:] }

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
    let type = description.type
    let contents = try contents(of: name)
    if type == .float32 { return try contents.copy(elements, into: UnsafeMutableRawBufferPointer(values)) }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: elements.count * type.size, alignment: 16)
    defer { bytes.deallocate() }
    try contents.copy(elements, into: bytes)
    type.convert(UnsafeRawBufferPointer(bytes), into: values)
  }
}
