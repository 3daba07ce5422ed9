import Files

/// Qwen 2 and 2.5 (arXiv 2407.10671), as transformers' `Qwen2ForCausalLM`: LLaMA's block with biases on q, k and v, and
/// sliding windows in the later blocks where they are switched on.
struct Qwen2: LlamaFamily {
  static let modelTypes = ["qwen2"]

  let decoder: LlamaDecoder
  private let windows: AttentionWindows

  init(_ c: ConfigurationReader) throws(ModelError) {
    var decoder = try LlamaDecoder(
      c, activation: c.activation("hidden_act", default: "silu"), .init(kvHeads: 32, contextLength: 32768))
    decoder.queryKeyValueHasBias = true
    self.decoder = decoder
    windows = try AttentionWindows(qwen: c, layerCount: decoder.shape.layerCount)
  }

  func window(layer: Int) -> Int? { windows[layer] }
  var layerSettings: [String: [JSON]] { windows.layerSettings }
}

extension AttentionWindows {
  /// Qwen's keys: where `use_sliding_window` is on, blocks slide from number `max_window_layers` on, unless `layer_types` says
  /// otherwise.
  init(qwen c: ConfigurationReader, layerCount: Int) throws(ModelError) {
    let isOn = try c.bool("use_sliding_window", default: false)
    let window = isOn ? try c.integerOrNull("sliding_window", absent: 4096) : nil
    let first = try c.integer("max_window_layers", default: 28, in: 0...(1 << 24))
    try self.init(c, layerCount: layerCount, window: window) { window != nil && $0 >= first }
  }
}
