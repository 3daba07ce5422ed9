import Files

/// A tensor to be written: what it is called, and where its elements come from.
public struct TensorSource {
  enum Content {
    /// Elements of a checkpoint, copied without being looked at.
    case copy(TensorContents)
    /// Fills a buffer with the bytes of some elements, counted in row-major order.
    case elements((_ elements: Range<Int>, _ bytes: UnsafeMutableRawBufferPointer) throws -> Void)
  }

  public let description: TensorDescription
  let content: Content

  /// A tensor whose elements are made when they are written, a megabyte at a time.
  /// - Parameter fill: fills the buffer with the bytes of the elements asked for, in `type`, little-endian.
  public init(
    name: String, type: ElementType, shape: [Int],
    fill: @escaping (_ elements: Range<Int>, _ bytes: UnsafeMutableRawBufferPointer) throws -> Void
  ) {
    description = TensorDescription(name: name, type: type, shape: shape)
    content = .elements(fill)
  }

  /// A tensor of another checkpoint, unchanged but for its name.
  /// - Throws: `CheckpointError.missingTensor`.
  public init(name: String, copying source: String, of checkpoint: any CheckpointReader) throws(CheckpointError) {
    guard let found = checkpoint.description(of: source) else {
      throw .missingTensor(path: checkpoint.path, tensor: source)
    }
    description = TensorDescription(name: name, type: found.type, shape: found.shape)
    content = .copy(try checkpoint.contents(of: source))
  }
}
