import Files

/// Tensors of another checkpoint under other names, and in other layouts: transposed, parts of a packed one, rows in
/// another order. No element is copied or read until it is asked for.
public struct DerivedCheckpoint: CheckpointReader {
  /// A tensor made of one of another checkpoint.
  public struct Tensor: Sendable {
    public let description: TensorDescription
    let contents: TensorContents

    /// - Parameters:
    ///   - shape: how the elements that `view` leaves are to be seen, in their order.
    ///   - source: the tensor of `base`.
    ///   - view: gets a layout whose sizes are the source's shape.
    /// - Throws: `CheckpointError.missingTensor`; `.malformedTensor` for a source whose elements are in no such layout.
    /// - Precondition: the shape has as many elements as `view` leaves.
    public init(
      name: String, shape: [Int], of source: String, in base: any CheckpointReader,
      view: (StridedLayout) -> StridedLayout = { $0 }
    ) throws(CheckpointError) {
      guard let found = base.description(of: source) else { throw .missingTensor(path: base.path, tensor: source) }
      let stored = try base.contents(of: source)
      guard let layout = stored.layout.shaped(found.shape) else {
        throw .malformedTensor(path: base.path, tensor: source, reason: "its elements cannot be seen in another order")
      }
      contents = stored.viewed { _ in view(layout) }
      description = TensorDescription(name: name, type: found.type, shape: shape)
      precondition(contents.layout.elementCount == description.elementCount, "a shape of another size")
    }
  }

  public let tensors: [TensorDescription]
  private let base: any CheckpointReader
  private let places: [String: Tensor]

  /// - Parameter base: the checkpoint that the tensors are made of.
  /// - Throws: `CheckpointError.duplicateTensor`.
  public init(_ base: any CheckpointReader, tensors: [Tensor]) throws(CheckpointError) {
    self.base = base
    self.tensors = tensors.map(\.description)
    var places: [String: Tensor] = [:]
    places.reserveCapacity(tensors.count)
    for tensor in tensors {
      guard places.updateValue(tensor, forKey: tensor.description.name) == nil else {
        throw .duplicateTensor(path: base.path, tensor: tensor.description.name)
      }
    }
    self.places = places
  }

  /// The same tensors under other names.
  /// - Throws: `CheckpointError.duplicateTensor`, and what `base` throws.
  public init(_ base: any CheckpointReader, renaming name: (String) -> String) throws(CheckpointError) {
    var tensors: [Tensor] = []
    for tensor in base.tensors {
      tensors.append(try Tensor(name: name(tensor.name), shape: tensor.shape, of: tensor.name, in: base))
    }
    try self.init(base, tensors: tensors)
  }

  public var path: String { base.path }
  public var format: CheckpointFormat { base.format }
  public var metadata: [String: String] { base.metadata }
  public var settings: JSONObject { base.settings }
  public var files: [String] { base.files }

  public func description(of name: String) -> TensorDescription? { places[name]?.description }

  public func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let place = places[name] else { throw .missingTensor(path: path, tensor: name) }
    return place.contents
  }

  public func header(of path: String) -> UnsafeRawBufferPointer? { base.header(of: path) }
}

extension StridedLayout {
  /// The same elements with these sizes; nil when neither the sizes are already these nor the elements lie one after the
  /// other.
  fileprivate func shaped(_ shape: [Int]) -> StridedLayout? {
    if sizes == shape { return self }
    return isContiguous ? StridedLayout(offset: offset, contiguous: shape) : nil
  }
}
