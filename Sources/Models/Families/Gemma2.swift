import Files
import Programs
import Tensors

/// Gemma 2 (arXiv 2408.00118), as transformers' `Gemma2ForCausalLM`: Gemma with a norm after each sublayer too, soft caps on
/// scores and logits, and a sliding window in every second block.
struct Gemma2: LlamaFamily {
  static let modelTypes = ["gemma2"]

  let decoder: LlamaDecoder
  let logitSoftcap: Float?
  private let windows: AttentionWindows

  init(_ c: ConfigurationReader) throws(ModelError) {
    var decoder = try LlamaDecoder(
      gemma: c, activation: c.activation("hidden_activation", default: "gelu_pytorch_tanh"),
      .init(kvHeads: 4, headDimension: 256, contextLength: 8192, isTied: true, padding: 0))
    decoder.scoreScale = 1 / Float(try c.positive("query_pre_attn_scalar", default: 256)).squareRoot()
    decoder.scoreSoftcap = try c.positiveOrNull("attn_logit_softcapping", absent: 50).map { Float($0) }
    self.decoder = decoder
    logitSoftcap = try c.positiveOrNull("final_logit_softcapping", absent: 30).map { Float($0) }
    // Older files do not say which blocks slide: every second, from the first on.
    windows = try AttentionWindows(
      c, layerCount: decoder.shape.layerCount, window: c.integerOrNull("sliding_window", absent: 4096)
    ) { $0 % 2 == 0 }
  }

  func window(layer: Int) -> Int? { windows[layer] }
  var layerSettings: [String: [JSON]] { windows.layerSettings }

  var weights: WeightMap {
    decoder.weights(
      middle: ["post_attention_layernorm", "pre_feedforward_layernorm"], last: ["post_feedforward_layernorm"])
  }

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    try decoder.embedScaled(&pass, tokens)
  }

  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    let name = decoder.name(layer)
    func norm(_ branch: Value, _ norm: String) throws(GraphError) -> Value {
      try decoder.norm(&pass, ResidualStream(branch), "\(name).\(norm)").y
    }
    let (normed1, stream1) = try decoder.norm(&pass, x, "\(name).input_layernorm")
    let attention = try decoder.attention(&pass, normed1, layer: layer, window: window(layer: layer))
    let branch1 = try norm(attention, "post_attention_layernorm")
    let (normed2, stream2) = try decoder.norm(
      &pass, ResidualStream(stream1, adding: branch1), "\(name).pre_feedforward_layernorm")
    let feedForward = try decoder.feedForward(&pass, normed2, layer: layer)
    return ResidualStream(stream2, adding: try norm(feedForward, "post_feedforward_layernorm"))
  }
}
