import Programs
import Tensors

/// Gemma (arXiv 2403.08295), as transformers' `GemmaForCausalLM`: LLaMA's block with GeGLU, norms whose weights are stored
/// around 0, and an embedding that is multiplied by √C.
struct Gemma: LlamaFamily {
  static let modelTypes = ["gemma"]

  let decoder: LlamaDecoder

  init(_ c: ConfigurationReader) throws(ModelError) {
    decoder = try LlamaDecoder(
      gemma: c, activation: Gemma.activation(c),
      .init(kvHeads: 16, headDimension: 256, contextLength: 8192, isTied: true, padding: 0))
  }

  /// The first releases have "gelu" in `hidden_act` and mean its tanh form; `hidden_activation`, where it is, says what is
  /// meant.
  private static func activation(_ c: ConfigurationReader) throws(ModelError) -> Activation {
    if c.has("hidden_activation") { return try c.activation("hidden_activation", default: "") }
    if try c.string("hidden_act", default: "") == "gelu" { return .geluTanh }
    return try c.activation("hidden_act", default: "gelu_pytorch_tanh")
  }

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    try decoder.embedScaled(&pass, tokens)
  }
}

extension LlamaDecoder {
  /// What Gemma's versions share.
  init(gemma c: ConfigurationReader, activation: Activation, _ defaults: Defaults) throws(ModelError) {
    try self.init(c, activation: activation, defaults)
    norm.weightOffset = 1
    let attentionHasBias = try c.bool("attention_bias", default: false)
    queryKeyValueHasBias = attentionHasBias
    outputHasBias = attentionHasBias
    try c.refuse("use_bidirectional_attention", unless: false)
  }

  /// The embedding multiplied by √C, which transformers rounds to the weights' type first.
  func embedScaled(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    let root = Float(shape.width).squareRoot()
    let isRounded = pass.graph.precision.compute == .bfloat16
    return try embed(&pass, tokens, scale: isRounded ? BFloat16.value(BFloat16.bits(of: root)) : root)
  }
}
