/// What a checkpoint says about a tensor, apart from its elements.
public struct TensorDescription: Sendable, Equatable {
  public let name: String
  public let type: ElementType
  /// Row-major; empty for a scalar.
  public let shape: [Int]

  public init(name: String, type: ElementType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  public var elementCount: Int { shape.reduce(1, *) }
  public var byteCount: Int { elementCount * type.size }
}
