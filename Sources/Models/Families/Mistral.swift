/// Mistral (arXiv 2310.06825), as transformers' `MistralForCausalLM`: LLaMA's block, in which queries see only the keys of a
/// sliding window.
struct Mistral: LlamaFamily {
  static let modelTypes = ["mistral"]

  let decoder: LlamaDecoder
  private let window: Int?

  init(_ c: ConfigurationReader) throws(ModelError) {
    decoder = try LlamaDecoder(
      c, activation: c.activation("hidden_act", default: "silu"), .init(kvHeads: 8, contextLength: 131072))
    window = try c.integerOrNull("sliding_window", absent: 4096)
    // transformers' Mistral does not look at it; Ministral does.
    try c.refuse("layer_types")
  }

  func window(layer: Int) -> Int? { window }
}
