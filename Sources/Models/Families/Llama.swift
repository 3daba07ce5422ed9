import Programs
import Tensors

/// LLaMA (arXiv 2302.13971) and its successors of the same architecture, as transformers' `LlamaForCausalLM`: RMSNorm
/// before each sublayer, rotary positions, grouped-query attention, SwiGLU.
///
/// q, k and v are one parameter, and so are gate and up: one product instead of three and two.
public struct Llama: ModelFamily {
  public static let modelTypes = ["llama"]
  public static let layerCountKey = "num_hidden_layers"

  public let shape: ModelShape
  let heads: Int
  let kvHeads: Int
  /// D; D·heads need not be the width.
  let headDimension: Int
  let feedForward: Int
  let activation: Activation
  let norm: NormSpec
  let rotary: RotaryEmbedding
  let isTied: Bool
  let attentionHasBias: Bool
  let mlpHasBias: Bool
  let initialDeviation: Float

  public init(_ c: ConfigurationReader) throws(ModelError) {
    let width = try c.integer("hidden_size")
    heads = try c.integer("num_attention_heads")
    kvHeads = try c.integer("num_key_value_heads", default: heads)
    guard kvHeads <= heads, heads % kvHeads == 0 else {
      throw c.invalid("num_key_value_heads", "a divisor of num_attention_heads (\(heads))")
    }
    if !c.has("head_dim"), width % heads != 0 {
      throw c.invalid("num_attention_heads", "a divisor of hidden_size (\(width)), or a head_dim of its own")
    }
    headDimension = try c.integer("head_dim", default: width / heads, in: ConfigurationReader.headDimensions)
    guard headDimension % 2 == 0 else {
      throw c.invalid(c.has("head_dim") ? "head_dim" : "num_attention_heads", "an even head dimension")
    }
    shape = ModelShape(
      layerCount: try c.integer("num_hidden_layers", in: ConfigurationReader.layers), width: width,
      vocabularySize: try c.integer("vocab_size"),
      contextLength: try c.integer("max_position_embeddings", default: 2048),
      keyValueWidth: kvHeads * headDimension)
    feedForward = try c.integer("intermediate_size")
    activation = try c.activation(
      "hidden_act", default: "silu",
      among: ["silu": .silu, "swish": .silu, "gelu": .geluErf, "gelu_pytorch_tanh": .geluTanh, "relu": .relu])
    norm = NormSpec(kind: .rms, epsilon: Float(try c.positive("rms_norm_eps", default: 1e-6)))
    rotary = try RotaryEmbedding(c, dimension: headDimension)
    isTied = try c.bool("tie_word_embeddings", default: false)
    attentionHasBias = try c.bool("attention_bias", default: false)
    mlpHasBias = try c.bool("mlp_bias", default: false)
    initialDeviation = Float(try c.positive("initializer_range", default: 0.02))
  }

  private var queryWidth: Int { heads * headDimension }
  private var keyWidth: Int { kvHeads * headDimension }

  // MARK: Forward

  public func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    let table = try embedding(&pass)
    return ResidualStream(try pass.graph.embedding(tokens, table: table, length: pass.length))
  }

  public func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    let name = "model.layers.\(layer)"
    let (normed1, stream1) = try pass.graph.norm(
      x.stream, adding: x.branch, weight: "\(name).input_layernorm.weight", norm)
    let qkv = try linear(
      &pass, normed1, "\(name).self_attn.qkv_proj", out: queryWidth + 2 * keyWidth, hasBias: attentionHasBias,
      heads: .output(dimension: headDimension))
    try pass.rotate(qkv, by: rotary, heads: heads + kvHeads)
    let mixed = try pass.attention(
      qkv, heads: heads, kvHeads: kvHeads, headDimension: headDimension, scale: 1 / Float(headDimension).squareRoot())
    let attention = try linear(
      &pass, mixed, "\(name).self_attn.o_proj", out: shape.width, hasBias: attentionHasBias, isResidual: true,
      heads: .input(dimension: headDimension))

    let (normed2, stream2) = try pass.graph.norm(
      stream1, adding: attention, weight: "\(name).post_attention_layernorm.weight", norm)
    let gateUp = try linear(&pass, normed2, "\(name).mlp.gate_up_proj", out: 2 * feedForward, hasBias: mlpHasBias)
    let active = try pass.graph.gated(gateUp, activation)
    let down = try linear(
      &pass, active, "\(name).mlp.down_proj", out: shape.width, hasBias: mlpHasBias, isResidual: true)
    return ResidualStream(stream2, adding: down)
  }

  public func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value {
    try pass.graph.norm(x.stream, adding: x.branch, weight: "model.norm.weight", norm).y
  }

  public func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    if isTied { return try embedding(&pass) }
    return try pass.graph.parameter(
      "lm_head.weight", shape.vocabularySize, shape.width, role: .linear, initial: .normal(initialDeviation))
  }

  private func embedding(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    try pass.graph.parameter(
      "model.embed_tokens.weight", shape.vocabularySize, shape.width, role: .embedding,
      initial: .normal(initialDeviation))
  }

  /// Projections onto the residual stream start smaller, as GPT-2's do (nanoGPT `model.py`); transformers starts all
  /// alike.
  private func linear(
    _ pass: inout ForwardPass, _ x: Value, _ name: String, out: Int, hasBias: Bool, isResidual: Bool = false,
    heads: LinearHeads = .none
  ) throws(GraphError) -> Value {
    let deviation = isResidual ? initialDeviation / Float(2 * shape.layerCount).squareRoot() : initialDeviation
    return try pass.graph.linear(
      x, "\(name).weight", out: out, bias: hasBias ? "\(name).bias" : nil, initial: .normal(deviation), heads: heads)
  }

  // MARK: Weights

  public var weights: WeightMap {
    var table = WeightTable()
    let width = shape.width
    table.add("model.embed_tokens.weight", [shape.vocabularySize, width], .embeddings)
    for layer in 0..<shape.layerCount {
      let name = "model.layers.\(layer)"
      let attention = "\(name).self_attn"
      table.add("\(name).input_layernorm.weight", [width], .norms, layer: layer)
      table.add(
        packed: "\(attention).qkv_proj.weight",
        [
          ("\(attention).q_proj.weight", [queryWidth, width]), ("\(attention).k_proj.weight", [keyWidth, width]),
          ("\(attention).v_proj.weight", [keyWidth, width]),
        ], .attention, layer: layer)
      table.add("\(attention).o_proj.weight", [width, queryWidth], .attention, layer: layer)
      if attentionHasBias {
        table.add(
          packed: "\(attention).qkv_proj.bias",
          [
            ("\(attention).q_proj.bias", [queryWidth]), ("\(attention).k_proj.bias", [keyWidth]),
            ("\(attention).v_proj.bias", [keyWidth]),
          ], .attention, layer: layer)
        table.add("\(attention).o_proj.bias", [width], .attention, layer: layer)
      }
      table.add("\(name).post_attention_layernorm.weight", [width], .norms, layer: layer)
      table.add(
        packed: "\(name).mlp.gate_up_proj.weight",
        [
          ("\(name).mlp.gate_proj.weight", [feedForward, width]), ("\(name).mlp.up_proj.weight", [feedForward, width]),
        ],
        .mlp, layer: layer)
      table.add("\(name).mlp.down_proj.weight", [width, feedForward], .mlp, layer: layer)
      if mlpHasBias {
        table.add(
          packed: "\(name).mlp.gate_up_proj.bias",
          [("\(name).mlp.gate_proj.bias", [feedForward]), ("\(name).mlp.up_proj.bias", [feedForward])], .mlp,
          layer: layer)
        table.add("\(name).mlp.down_proj.bias", [width], .mlp, layer: layer)
      }
    }
    table.add("model.norm.weight", [width], .finalNorm)
    if !isTied { table.add("lm_head.weight", [shape.vocabularySize, width], .head) }
    return WeightMap(
      entries: table.entries, basePrefix: "model.",
      alternatives: isTied ? ["model.embed_tokens.weight": ["lm_head.weight"]] : [:],
      ignoredSuffixes: [".rotary_emb.inv_freq"])
  }
}
