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

  /// The bytes of all elements; nil when that is more than any file has.
  static func byteCount(of shape: [Int], elementSize: Int) -> Int? {
    var count = elementSize
    // As if nothing were empty: whoever multiplies the sizes later, in whatever order, gets no overflow.
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(size, 1))
      guard !overflow else { return nil }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }

  public var elementCount: Int { shape.reduce(1, *) }
  public var byteCount: Int { elementCount * type.size }
}
