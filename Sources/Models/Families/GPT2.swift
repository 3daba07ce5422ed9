import Programs
import Tensors

/// GPT-2 (Radford et al. 2019), as transformers' `GPT2LMHeadModel`: learned positions, LayerNorm before each sublayer,
/// GELU, head tied to the embedding.
///
/// Also the paper's GPT-2 runs: no biases (`"bias": false`, nanoGPT's setting) and attention scores divided by the
/// layer's number (`scale_attn_by_inverse_layer_idx`).
struct GPT2: ModelFamily {
  static let modelTypes = ["gpt2"]
  static let layerCountKey = "n_layer"

  let shape: ModelShape
  let heads: Int
  let feedForward: Int
  let activation: Activation
  let norm: NormSpec
  let hasBias: Bool
  let isTied: Bool
  let scalesScores: Bool
  let scalesByLayer: Bool
  let initialDeviation: Float

  init(_ c: ConfigurationReader) throws(ModelError) {
    let width = try c.integer("n_embd")
    heads = try c.integer("n_head")
    guard width % heads == 0, ConfigurationReader.headDimensions.contains(width / heads) else {
      throw c.invalid("n_head", "a divisor of n_embd (\(width)), for heads of 8192 at most")
    }
    shape = ModelShape(
      layerCount: try c.integer("n_layer", in: ConfigurationReader.layers), width: width,
      vocabularySize: try c.integer("vocab_size"),
      contextLength: try c.integer(c.has("n_positions") ? "n_positions" : "n_ctx", default: 1024))
    feedForward = try c.integer("n_inner", default: 4 * width)
    activation = try c.activation("activation_function", default: "gelu_new")
    norm = NormSpec(kind: .layer, epsilon: Float(try c.positive("layer_norm_epsilon", default: 1e-5)))
    hasBias = try c.bool("bias", default: true)
    isTied = try c.bool("tie_word_embeddings", default: true)
    scalesScores = try c.bool("scale_attn_weights", default: true)
    scalesByLayer = try c.bool("scale_attn_by_inverse_layer_idx", default: false)
    initialDeviation = Float(try c.positive("initializer_range", default: 0.02))
    try c.refuse("add_cross_attention", unless: false)
  }

  // MARK: Forward

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    let table = try embedding(&pass)
    let positions = try pass.graph.parameter(
      "transformer.wpe.weight", shape.contextLength, shape.width, role: .embedding, initial: .normal(initialDeviation))
    return ResidualStream(try pass.embedding(tokens, table: table, positions: positions))
  }

  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    let name = "transformer.h.\(layer)"
    let (normed1, stream1) = try layerNorm(&pass, x, "\(name).ln_1")
    let headDimension = shape.width / heads
    let qkv = try linear(
      &pass, normed1, "\(name).attn.c_attn", out: 3 * shape.width, heads: .output(dimension: headDimension))
    let mixed = try pass.attention(
      qkv, heads: heads, kvHeads: heads, headDimension: headDimension, scale: scale(layer: layer))
    let attention = try linear(
      &pass, mixed, "\(name).attn.c_proj", out: shape.width, isResidual: true, heads: .input(dimension: headDimension))

    let (normed2, stream2) = try layerNorm(&pass, ResidualStream(stream1, adding: attention), "\(name).ln_2")
    let up = try linear(&pass, normed2, "\(name).mlp.c_fc", out: feedForward)
    let active = try pass.graph.activation(up, activation)
    let down = try linear(&pass, active, "\(name).mlp.c_proj", out: shape.width, isResidual: true)
    return ResidualStream(stream2, adding: down)
  }

  func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value {
    try layerNorm(&pass, x, "transformer.ln_f").y
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

  private func scale(layer: Int) -> Float {
    let headDimension = Float(shape.width / heads)
    return (scalesScores ? 1 / headDimension.squareRoot() : 1) / (scalesByLayer ? Float(layer + 1) : 1)
  }

  private func layerNorm(
    _ pass: inout ForwardPass, _ x: ResidualStream, _ name: String
  ) throws(GraphError) -> (y: Value, sum: Value) {
    try pass.graph.norm(
      x.stream, adding: x.branch, weight: "\(name).weight", bias: hasBias ? "\(name).bias" : nil, norm)
  }

  /// GPT-2's `Conv1D`: weights stored [in, out]. Projections onto the residual stream start smaller, by the square root
  /// of their number (Radford et al. 2019, section 2.3; nanoGPT `model.py`).
  private func linear(
    _ pass: inout ForwardPass, _ x: Value, _ name: String, out: Int, isResidual: Bool = false,
    heads: LinearHeads = .none
  ) throws(GraphError) -> Value {
    let deviation = isResidual ? initialDeviation / Float(2 * shape.layerCount).squareRoot() : initialDeviation
    return try pass.graph.linear(
      x, "\(name).weight", out: out, layout: .inputOutput, bias: hasBias ? "\(name).bias" : nil,
      initial: .normal(deviation), heads: heads)
  }

  /// With `scale_attn_by_inverse_layer_idx` a block's scores are divided by its own number, so a block that moves takes the
  /// ratio along in its queries.
  func rescaling(of entry: WeightEntry, movedFrom layer: Int) -> ColumnScaling? {
    guard scalesByLayer, let own = entry.layer, own != layer, entry.name.contains(".attn.c_attn.") else { return nil }
    return ColumnScaling(columns: 0..<shape.width, factor: Float(own + 1) / Float(layer + 1))
  }

  // MARK: Weights

  var weights: WeightMap {
    var table = WeightTable()
    let width = shape.width
    table.add("transformer.wte.weight", [shape.vocabularySize, width], .embeddings)
    table.add("transformer.wpe.weight", [shape.contextLength, width], .positions)
    for layer in 0..<shape.layerCount {
      let name = "transformer.h.\(layer)"
      add(norm: "\(name).ln_1", .norms, layer, to: &table)
      add(linear: "\(name).attn.c_attn", width, 3 * width, .attention, layer, to: &table)
      add(linear: "\(name).attn.c_proj", width, width, .attention, layer, to: &table)
      add(norm: "\(name).ln_2", .norms, layer, to: &table)
      add(linear: "\(name).mlp.c_fc", width, feedForward, .mlp, layer, to: &table)
      add(linear: "\(name).mlp.c_proj", feedForward, width, .mlp, layer, to: &table)
    }
    add(norm: "transformer.ln_f", .finalNorm, nil, to: &table)
    if !isTied { table.add("lm_head.weight", [shape.vocabularySize, width], .head) }
    return WeightMap(
      entries: table.entries, basePrefix: "transformer.",
      alternatives: isTied ? ["transformer.wte.weight": ["lm_head.weight"]] : [:],
      ignoredSuffixes: [".attn.bias", ".attn.masked_bias"])
  }

  private func add(norm name: String, _ part: ModelPart, _ layer: Int?, to table: inout WeightTable) {
    table.add("\(name).weight", [shape.width], part, layer: layer)
    table.add("\(name).bias", [shape.width], part, layer: layer, isPresent: hasBias)
  }

  private func add(
    linear name: String, _ input: Int, _ output: Int, _ part: ModelPart, _ layer: Int, to table: inout WeightTable
  ) {
    table.add("\(name).weight", [input, output], part, layer: layer)
    table.add("\(name).bias", [output], part, layer: layer, isPresent: hasBias)
  }
}
