import Glibc
import Programs
import Tensors

/// MPT (MosaicML 2023), as transformers' `MptForCausalLM`: LayerNorm without biases before each sublayer, ALiBi
/// (arXiv 2108.12409) instead of positions, GELU.
struct MPT: ModelFamily {
  static let modelTypes = ["mpt"]
  static let layerCountKey = "n_layers"

  let shape: ModelShape
  private let heads: Int
  private let norm: NormSpec
  private let scoreScale: Float
  private let slopes: [Float]
  private let isTied: Bool
  private let initialDeviation: Float

  init(_ c: ConfigurationReader) throws(ModelError) {
    let width = try c.integer("d_model")
    // Each has a slope, which is known before the weights are.
    heads = try c.integer("n_heads", in: 1...(1 << 16))
    guard width % heads == 0, ConfigurationReader.headDimensions.contains(width / heads) else {
      throw c.invalid("n_heads", "a divisor of d_model (\(width)), for heads of 8192 at most")
    }
    shape = ModelShape(
      layerCount: try c.integer("n_layers", in: ConfigurationReader.layers), width: width,
      vocabularySize: try c.integer("vocab_size"), contextLength: try c.integer("max_seq_len", default: 2048))
    norm = NormSpec(kind: .layer, epsilon: Float(try c.positive("layer_norm_epsilon", default: 1e-5)))
    isTied = try c.bool("tie_word_embeddings", default: true)
    initialDeviation = Float(try c.positive("initializer_range", default: 0.02))
    try MPT.refuseUnsupported(c)

    let attention = try c.section("attn_config") ?? ConfigurationReader([:], source: "\(c.source): attn_config")
    try MPT.refuseUnsupported(attention: attention, heads: heads)
    let headDimension = Float(width / heads)
    scoreScale = Float(try attention.positive("softmax_scale", default: Double(1 / headDimension.squareRoot())))
    // As the original has it; transformers' code takes 8, whatever the file says.
    slopes = MPT.slopes(heads: heads, largestExponent: try attention.positive("alibi_bias_max", default: 8))
  }

  /// Settings of the original that change the computation, and that transformers' code does not know either.
  private static func refuseUnsupported(_ c: ConfigurationReader) throws(ModelError) {
    try c.refuse("no_bias", unless: true)
    try c.refuse("logit_scale")
    let feedForward = try c.section("ffn_config")?.string("ffn_type", default: "mptmlp") ?? "mptmlp"
    guard feedForward == "mptmlp" else { throw c.invalid("ffn_config", "ffn_type mptmlp") }
    guard try c.positive("expansion_ratio", default: 4) == 4 else { throw c.invalid("expansion_ratio", "4") }
    guard try c.positive("embedding_fraction", default: 1) == 1 else { throw c.invalid("embedding_fraction", "1") }
    let norms = ["layernorm", "low_precision_layernorm"]
    guard try norms.contains(c.string("norm_type", default: norms[1]).lowercased()) else {
      throw c.invalid("norm_type", norms.joined(separator: " or "))
    }
  }

  private static func refuseUnsupported(attention c: ConfigurationReader, heads: Int) throws(ModelError) {
    guard try c.string("attn_type", default: "multihead_attention") == "multihead_attention" else {
      throw c.invalid("attn_type", "multihead_attention")
    }
    try c.refuse("alibi", unless: true)
    try c.refuse("qk_ln", unless: false)
    try c.refuse("prefix_lm", unless: false)
    try c.refuse("attn_uses_sequence_id", unless: false)
    try c.refuse("clip_qkv")
    try c.refuse("rope", unless: false)
    guard !c.has("kv_n_heads") || c.object["kv_n_heads"] == .integer(Int64(heads)) else {
      throw c.invalid("kv_n_heads", "as many as n_heads (\(heads))")
    }
    guard !c.has("sliding_window_size") || c.object["sliding_window_size"] == .integer(-1) else {
      throw c.invalid("sliding_window_size", "-1")
    }
  }

  /// ALiBi's slopes: 2^(−m·i/n), i from 1 to n, for a number n of heads that is a power of two. Fewer heads take every second
  /// of the next power's, and then the others.
  static func slopes(heads: Int, largestExponent m: Double) -> [Float] {
    var count = 1
    while count < heads { count *= 2 }
    let slopes = (1...count).map { Float(exp2(-m * Double($0) / Double(count))) }
    if count == heads { return slopes }
    let order = Array(stride(from: 1, to: count, by: 2)) + Array(stride(from: 0, to: count, by: 2))
    return order.prefix(heads).map { slopes[$0] }
  }

  // MARK: Forward

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    let table = try embedding(&pass)
    return ResidualStream(try pass.embedding(tokens, table: table))
  }

  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    let name = "transformer.blocks.\(layer)"
    let headDimension = shape.width / heads
    let (normed1, stream1) = try layerNorm(&pass, x, "\(name).norm_1")
    let qkv = try linear(
      &pass, normed1, "\(name).attn.Wqkv", out: 3 * shape.width, heads: .output(dimension: headDimension))
    let mixed = try pass.attention(
      qkv, heads: heads, kvHeads: heads, headDimension: headDimension, scale: scoreScale, slopes: slopes)
    let attention = try linear(
      &pass, mixed, "\(name).attn.out_proj", out: shape.width, isResidual: true, heads: .input(dimension: headDimension)
    )

    let (normed2, stream2) = try layerNorm(&pass, ResidualStream(stream1, adding: attention), "\(name).norm_2")
    let up = try linear(&pass, normed2, "\(name).ffn.up_proj", out: 4 * shape.width)
    let active = try pass.graph.activation(up, .geluErf)
    let down = try linear(&pass, active, "\(name).ffn.down_proj", out: shape.width, isResidual: true)
    return ResidualStream(stream2, adding: down)
  }

  func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value {
    try layerNorm(&pass, x, "transformer.norm_f").y
  }

  func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    if isTied { return try embedding(&pass) }
    return try pass.graph.parameter(
      "lm_head.weight", shape.vocabularySize, shape.width, role: .linear, initial: .normal(initialDeviation))
  }

  private func embedding(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    try pass.graph.parameter(
      "transformer.wte.weight", shape.vocabularySize, shape.width, role: .embedding,
      initial: .normal(initialDeviation))
  }

  private func layerNorm(
    _ pass: inout ForwardPass, _ x: ResidualStream, _ name: String
  ) throws(GraphError) -> (y: Value, sum: Value) {
    try pass.graph.norm(x.stream, adding: x.branch, weight: "\(name).weight", norm)
  }

  /// Projections onto the residual stream start smaller, as GPT-2's do.
  private func linear(
    _ pass: inout ForwardPass, _ x: Value, _ name: String, out: Int, isResidual: Bool = false,
    heads: LinearHeads = .none
  ) throws(GraphError) -> Value {
    let deviation = isResidual ? initialDeviation / Float(2 * shape.layerCount).squareRoot() : initialDeviation
    return try pass.graph.linear(x, "\(name).weight", out: out, initial: .normal(deviation), heads: heads)
  }

  // MARK: Weights

  var weights: WeightMap {
    var table = WeightTable()
    let width = shape.width
    table.add("transformer.wte.weight", [shape.vocabularySize, width], .embeddings)
    for layer in 0..<shape.layerCount {
      let name = "transformer.blocks.\(layer)"
      table.add("\(name).norm_1.weight", [width], .norms, layer: layer)
      table.add("\(name).attn.Wqkv.weight", [3 * width, width], .attention, layer: layer)
      table.add("\(name).attn.out_proj.weight", [width, width], .attention, layer: layer)
      table.add("\(name).norm_2.weight", [width], .norms, layer: layer)
      table.add("\(name).ffn.up_proj.weight", [4 * width, width], .mlp, layer: layer)
      table.add("\(name).ffn.down_proj.weight", [width, 4 * width], .mlp, layer: layer)
    }
    table.add("transformer.norm_f.weight", [width], .finalNorm)
    if !isTied { table.add("lm_head.weight", [shape.vocabularySize, width], .head) }
    return WeightMap(
      entries: table.entries, basePrefix: "transformer.",
      alternatives: isTied ? ["transformer.wte.weight": ["lm_head.weight"]] : [:])
  }
}
