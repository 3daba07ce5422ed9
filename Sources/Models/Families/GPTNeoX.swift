import Checkpoints
import Programs
import Tensors

/// GPT-NeoX (arXiv 2204.06745) and Pythia (arXiv 2304.01373), as transformers' `GPTNeoXForCausalLM`: LayerNorm with biases,
/// rotary positions on a part of each head, and attention and feed-forward part side by side (or, as an option, one
/// after the other).
struct GPTNeoX: ModelFamily {
  static let modelTypes = ["gpt_neox"]
  static let layerCountKey = "num_hidden_layers"

  let shape: ModelShape
  private let heads: Int
  private let feedForward: Int
  private let activation: Activation
  private let norm: NormSpec
  private let rotary: RotaryEmbedding
  private let isParallel: Bool
  private let attentionHasBias: Bool
  private let isTied: Bool
  private let initialDeviation: Float

  init(_ c: ConfigurationReader) throws(ModelError) {
    let width = try c.integer("hidden_size")
    heads = try c.integer("num_attention_heads")
    guard width % heads == 0, ConfigurationReader.headDimensions.contains(width / heads) else {
      throw c.invalid("num_attention_heads", "a divisor of hidden_size (\(width)), for heads of 8192 at most")
    }
    shape = ModelShape(
      layerCount: try c.integer("num_hidden_layers", in: ConfigurationReader.layers), width: width,
      vocabularySize: try c.integer("vocab_size"),
      contextLength: try c.integer("max_position_embeddings", default: 2048))
    feedForward = try c.integer("intermediate_size")
    activation = try c.activation("hidden_act", default: "gelu")
    norm = NormSpec(kind: .layer, epsilon: Float(try c.positive("layer_norm_eps", default: 1e-5)))
    rotary = try RotaryEmbedding(
      c, headDimension: width / heads, thetaKey: "rotary_emb_base",
      fractionKey: "rotary_pct", fraction: 0.25)
    isParallel = try c.bool("use_parallel_residual", default: true)
    attentionHasBias = try c.bool("attention_bias", default: true)
    isTied = try c.bool("tie_word_embeddings", default: false)
    initialDeviation = Float(try c.positive("initializer_range", default: 0.02))
  }

  private var headDimension: Int { shape.width / heads }

  // MARK: Forward

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    let table = try embedding(&pass)
    return ResidualStream(try pass.embedding(tokens, table: table))
  }

  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    let name = "gpt_neox.layers.\(layer)"
    let (normed1, stream) = try layerNorm(&pass, x, "\(name).input_layernorm")
    let attention = try attention(&pass, normed1, "\(name).attention")
    if isParallel {
      let normed2 = try layerNorm(&pass, ResidualStream(stream), "\(name).post_attention_layernorm").y
      let mlp = try mlp(&pass, normed2, "\(name).mlp")
      return ResidualStream(try pass.graph.add(stream, attention), adding: mlp)
    }
    let (normed2, sum) = try layerNorm(
      &pass, ResidualStream(stream, adding: attention), "\(name).post_attention_layernorm")
    return ResidualStream(sum, adding: try mlp(&pass, normed2, "\(name).mlp"))
  }

  private func attention(_ pass: inout ForwardPass, _ x: Value, _ name: String) throws(GraphError) -> Value {
    let qkv = try linear(
      &pass, x, "\(name).query_key_value", out: 3 * shape.width, hasBias: attentionHasBias,
      heads: .output(dimension: headDimension))
    try pass.rotate(qkv, by: rotary, heads: 2 * heads, headDimension: headDimension)
    let mixed = try pass.attention(
      qkv, heads: heads, kvHeads: heads, headDimension: headDimension, scale: 1 / Float(headDimension).squareRoot())
    return try linear(
      &pass, mixed, "\(name).dense", out: shape.width, hasBias: attentionHasBias, isResidual: true,
      heads: .input(dimension: headDimension))
  }

  private func mlp(_ pass: inout ForwardPass, _ x: Value, _ name: String) throws(GraphError) -> Value {
    let up = try linear(&pass, x, "\(name).dense_h_to_4h", out: feedForward)
    return try linear(
      &pass, pass.graph.activation(up, activation), "\(name).dense_4h_to_h", out: shape.width, isResidual: true)
  }

  func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value {
    try layerNorm(&pass, x, "gpt_neox.final_layer_norm").y
  }

  func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    if isTied { return try embedding(&pass) }
    return try pass.graph.parameter(
      "embed_out.weight", shape.vocabularySize, shape.width, role: .linear, initial: .normal(initialDeviation))
  }

  private func embedding(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    try pass.graph.parameter(
      "gpt_neox.embed_in.weight", shape.vocabularySize, shape.width, role: .embedding,
      initial: .normal(initialDeviation))
  }

  private func layerNorm(
    _ pass: inout ForwardPass, _ x: ResidualStream, _ name: String
  ) throws(GraphError) -> (y: Value, sum: Value) {
    try pass.graph.norm(x.stream, adding: x.branch, weight: "\(name).weight", bias: "\(name).bias", norm)
  }

  /// Projections onto the residual stream start smaller, as GPT-2's do.
  private func linear(
    _ pass: inout ForwardPass, _ x: Value, _ name: String, out: Int, hasBias: Bool = true, isResidual: Bool = false,
    heads: LinearHeads = .none
  ) throws(GraphError) -> Value {
    let deviation = isResidual ? initialDeviation / Float(2 * shape.layerCount).squareRoot() : initialDeviation
    return try pass.graph.linear(
      x, "\(name).weight", out: out, bias: hasBias ? "\(name).bias" : nil, initial: .normal(deviation), heads: heads)
  }

  // MARK: Weights

  var weights: WeightMap {
    var table = WeightTable()
    let width = shape.width
    table.add("gpt_neox.embed_in.weight", [shape.vocabularySize, width], .embeddings)
    for layer in 0..<shape.layerCount {
      let name = "gpt_neox.layers.\(layer)"
      add(norm: "\(name).input_layernorm", .norms, layer, to: &table)
      add(queryKeyValue: "\(name).attention.query_key_value", layer, to: &table)
      add(linear: "\(name).attention.dense", width, width, .attention, layer, hasBias: attentionHasBias, to: &table)
      add(norm: "\(name).post_attention_layernorm", .norms, layer, to: &table)
      add(linear: "\(name).mlp.dense_h_to_4h", width, feedForward, .mlp, layer, to: &table)
      add(linear: "\(name).mlp.dense_4h_to_h", feedForward, width, .mlp, layer, to: &table)
    }
    add(norm: "gpt_neox.final_layer_norm", .finalNorm, nil, to: &table)
    if !isTied { table.add("embed_out.weight", [shape.vocabularySize, width], .head) }
    return WeightMap(
      entries: table.entries, basePrefix: "gpt_neox.",
      // What the module is called in transformers 5, which still saves it under the old name.
      alternatives: isTied
        ? ["gpt_neox.embed_in.weight": ["embed_out.weight", "lm_head.weight"]]
        : ["embed_out.weight": ["lm_head.weight"]],
      ignoredSuffixes: [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"])
  }

  /// In files each head has its q, k and v one after the other: [H, 3, D, C]. In the parameter all q come first, then all
  /// k, then all v: [3, H, D, C].
  private func add(queryKeyValue name: String, _ layer: Int, to table: inout WeightTable) {
    let width = shape.width
    func layout(_ columns: Int) -> StridedLayout {
      StridedLayout(contiguous: [3, heads, headDimension, columns]).permuting([1, 0, 2, 3])
    }
    table.add("\(name).weight", [3 * width, width], layout: layout(width), .attention, layer: layer)
    if attentionHasBias { table.add("\(name).bias", [3 * width], layout: layout(1), .attention, layer: layer) }
  }

  private func add(norm name: String, _ part: ModelPart, _ layer: Int?, to table: inout WeightTable) {
    table.add("\(name).weight", [shape.width], part, layer: layer)
    table.add("\(name).bias", [shape.width], part, layer: layer)
  }

  private func add(
    linear name: String, _ input: Int, _ output: Int, _ part: ModelPart, _ layer: Int, hasBias: Bool = true,
    to table: inout WeightTable
  ) {
    table.add("\(name).weight", [output, input], part, layer: layer)
    if hasBias { table.add("\(name).bias", [output], part, layer: layer) }
  }
}
