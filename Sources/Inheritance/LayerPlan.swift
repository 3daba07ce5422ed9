/// Which blocks of a reference model become the blocks of the small one, in order.
public struct LayerPlan: Sendable, Equatable, CustomStringConvertible {
  /// Indices of blocks of the reference, from 0. A block may be taken more than once.
  public let layers: [Int]

  /// Reads a plan against a reference of `layerCount` blocks: `13` is the first 13; `0-12`, `0,2,4`, `0-5,20-25` are exactly
  /// those, ranges inclusive; `13-13` is block 13 alone.
  /// - Throws: `InheritanceError`.
  public init(_ text: String, layerCount: Int) throws(InheritanceError) {
    func index(_ digits: Substring) throws(InheritanceError) -> Int {
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(digits) else {
        throw .invalidLayers(text: text)
      }
      return value
    }
    func check(_ layer: Int) throws(InheritanceError) {
      guard layer < layerCount else { throw .layerOutsideModel(layer: layer, layerCount: layerCount) }
    }
    let items = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimming(" ") }
    if items.count == 1, !items[0].contains("-") {
      let count = try index(items[0])
      guard count >= 1 else { throw .invalidLayers(text: text) }
      guard count <= layerCount else { throw .tooManyLayers(wanted: count, layerCount: layerCount) }
      layers = Array(0..<count)
      return
    }
    var layers: [Int] = []
    for item in items {
      let ends = item.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count <= 2 else { throw .invalidLayers(text: text) }
      let first = try index(ends[0].trimming(" "))
      let last = ends.count == 2 ? try index(ends[1].trimming(" ")) : first
      guard first <= last else { throw .invalidLayers(text: text) }
      // Checked before the range is made: its end may be absurd.
      try check(last)
      layers += first...last
    }
    self.layers = layers
  }

  /// The blocks as ranges: `0-5,20-25`.
  public var description: String {
    var ranges: [ClosedRange<Int>] = []
    for layer in layers {
      if let last = ranges.last, last.upperBound + 1 == layer {
        ranges[ranges.count - 1] = last.lowerBound...layer
      } else {
        ranges.append(layer...layer)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
      separator: ",")
  }

  /// Blocks that are taken more than once, in order.
  public var repeated: [Int] {
    var counts: [Int: Int] = [:]
    for layer in layers { counts[layer, default: 0] += 1 }
    return counts.filter { $0.value > 1 }.keys.sorted()
  }
}

extension Substring {
  fileprivate func trimming(_ character: Character) -> Substring {
    var trimmed = self
    while trimmed.first == character { trimmed.removeFirst() }
    while trimmed.last == character { trimmed.removeLast() }
    return trimmed
  }
}
