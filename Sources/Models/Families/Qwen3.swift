import Files

/// Qwen 3 (arXiv 2505.09388), as transformers' `Qwen3ForCausalLM`: LLaMA's block with an RMSNorm on every query and key head,
/// and sliding windows as Qwen 2.
struct Qwen3: LlamaFamily {
  static let modelTypes = ["qwen3"]

  let decoder: LlamaDecoder
  private let windows: AttentionWindows

  init(_ c: ConfigurationReader) throws(ModelError) {
    var decoder = try LlamaDecoder(
      c, activation: c.activation("hidden_act", default: "silu"),
      .init(kvHeads: 32, headDimension: 128, contextLength: 32768))
    let attentionHasBias = try c.bool("attention_bias", default: false)
    decoder.queryKeyValueHasBias = attentionHasBias
    decoder.outputHasBias = attentionHasBias
    decoder.normalizesHeads = true
    self.decoder = decoder
    windows = try AttentionWindows(qwen: c, layerCount: decoder.shape.layerCount)
  }

  func window(layer: Int) -> Int? { windows[layer] }
  var layerSettings: [String: [JSON]] { windows.layerSettings }
}
