import Files

/// Which blocks see only the latest keys: `layer_types` of config.json or, where it has no such key, what the family's block
/// numbers imply.
struct AttentionWindows: Sendable {
  static let key = "layer_types"
  private static let sliding = "sliding_attention"
  private static let full = "full_attention"

  private let types: [String]
  private let window: Int?

  /// - Parameters:
  ///   - window: keys that a query of a sliding block sees, its own included.
  ///   - slides: whether a block slides when config.json does not say.
  /// - Throws: `ModelError` for a list of another length, an unknown type, and sliding blocks without a window.
  init(
    _ c: ConfigurationReader, layerCount: Int, window: Int?, slides: (_ layer: Int) -> Bool
  ) throws(ModelError) {
    self.window = window
    types = try c.strings(Self.key) ?? (0..<layerCount).map { slides($0) ? Self.sliding : Self.full }
    guard types.count == layerCount, types.allSatisfy([Self.sliding, Self.full].contains) else {
      throw c.invalid(Self.key, "\(Self.sliding) or \(Self.full) for each of the \(layerCount) blocks")
    }
    guard window != nil || !types.contains(Self.sliding) else {
      let isOff = c.object["use_sliding_window"] == .bool(false)
      throw isOff
        ? c.invalid("use_sliding_window", "true, as blocks have \(Self.sliding)")
        : c.invalid("sliding_window", "a number of keys, as blocks have \(Self.sliding)")
    }
  }

  /// Keys that a query of a block sees; nil for all before it.
  subscript(layer: Int) -> Int? { types[layer] == Self.sliding ? window : nil }

  /// For `ModelFamily.layerSettings`.
  var layerSettings: [String: [JSON]] { [Self.key: types.map { .string($0) }] }
}
