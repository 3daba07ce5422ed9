/// Builds the entries of a `WeightMap`.
struct WeightTable {
  private(set) var entries: [WeightEntry] = []

  /// A tensor that is a parameter of the same name; with `isPresent: false`, one that files have and this model has not.
  mutating func add(_ name: String, _ shape: [Int], _ part: ModelPart, layer: Int? = nil, isPresent: Bool = true) {
    entries.append(
      WeightEntry(
        name: name, shape: shape, content: isPresent ? .parameter(name, offset: 0) : .zeros, part: part, layer: layer))
  }

  /// Tensors that lie one after the other in the packed parameter `parameter`.
  mutating func add(
    packed parameter: String, _ tensors: [(name: String, shape: [Int])], _ part: ModelPart, layer: Int?
  ) {
    var offset = 0
    for (name, shape) in tensors {
      let entry = WeightEntry(
        name: name, shape: shape, content: .parameter(parameter, offset: offset), part: part, layer: layer)
      offset += entry.elementCount
      entries.append(entry)
    }
  }
}
