import Checkpoints

/// Builds the entries of a `WeightMap`.
struct WeightTable {
  private(set) var entries: [WeightEntry] = []

  /// A tensor that is a parameter of the same name; with `isPresent: false`, one that files have and this model has not.
  mutating func add(_ name: String, _ shape: [Int], _ part: ModelPart, layer: Int? = nil, isPresent: Bool = true) {
    entries.append(
      WeightEntry(
        name: name, shape: shape, content: isPresent ? .parameter(name, StridedLayout(contiguous: shape)) : .zeros,
        part: part, layer: layer))
  }

  /// A tensor that is a parameter of the same name with its elements in another order.
  /// - Parameter layout: where the tensor's elements, in row-major order, are in the parameter.
  mutating func add(_ name: String, _ shape: [Int], layout: StridedLayout, _ part: ModelPart, layer: Int?) {
    precondition(layout.elementCount == shape.reduce(1, *) && (layout.strides.last ?? 1) == 1)
    entries.append(
      WeightEntry(name: name, shape: shape, content: .parameter(name, layout), part: part, layer: layer))
  }

  /// Tensors that lie one after the other in the packed parameter `parameter`.
  mutating func add(
    packed parameter: String, _ tensors: [(name: String, shape: [Int])], _ part: ModelPart, layer: Int?
  ) {
    var offset = 0
    for (name, shape) in tensors {
      let entry = WeightEntry(
        name: name, shape: shape, content: .parameter(parameter, StridedLayout(offset: offset, contiguous: shape)),
        part: part, layer: layer)
      offset += entry.elementCount
      entries.append(entry)
    }
  }
}
