/// LLaMA (arXiv 2302.13971) and its successors of the same architecture, as transformers' `LlamaForCausalLM`: RMSNorm
/// before each sublayer, rotary positions, grouped-query attention, SwiGLU.
struct Llama: LlamaFamily {
  static let modelTypes = ["llama"]

  let decoder: LlamaDecoder

  init(_ c: ConfigurationReader) throws(ModelError) {
    var decoder = try LlamaDecoder(
      c, activation: c.activation("hidden_act", default: "silu"), .init(contextLength: 2048))
    let attentionHasBias = try c.bool("attention_bias", default: false)
    decoder.queryKeyValueHasBias = attentionHasBias
    decoder.outputHasBias = attentionHasBias
    decoder.feedForwardHasBias = try c.bool("mlp_bias", default: false)
    self.decoder = decoder
  }
}
