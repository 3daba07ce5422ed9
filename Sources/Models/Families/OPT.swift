import Programs
import Tensors

/// OPT (arXiv 2205.01068), as transformers' `OPTForCausalLM`: learned positions, LayerNorm before each sublayer, ReLU, biases.
///
/// OPT-350m alone has its norms after the sublayers, and an embedding that is narrower than the model: it is refused.
struct OPT: ModelFamily {
  static let modelTypes = ["opt"]
  static let layerCountKey = "num_hidden_layers"

  /// The table of positions has so many rows before that of the first position (`OPTLearnedPositionalEmbedding.offset`).
  private static let firstPosition = 2
  /// That of `torch.nn.LayerNorm`.
  private static let norm = NormSpec(kind: .layer, epsilon: 1e-5)

  let shape: ModelShape
  private let heads: Int
  private let feedForward: Int
  private let activation: Activation
  private let hasBias: Bool
  private let isTied: Bool
  private let padding: Int?
  private let initialDeviation: Float

  init(_ c: ConfigurationReader) throws(ModelError) {
    let width = try c.integer("hidden_size")
    heads = try c.integer("num_attention_heads")
    guard width % heads == 0, ConfigurationReader.headDimensions.contains(width / heads) else {
      throw c.invalid("num_attention_heads", "a divisor of hidden_size (\(width)), for heads of 8192 at most")
    }
    guard try c.integer("word_embed_proj_dim", default: width) == width else {
      throw c.invalid(
        "word_embed_proj_dim", "hidden_size (\(width)): narrower embeddings, as OPT-350m's, are not supported")
    }
    guard try c.bool("do_layer_norm_before", default: true) else {
      throw c.invalid("do_layer_norm_before", "true: norms after the sublayers, as OPT-350m's, are not supported")
    }
    try c.refuse("_remove_final_layer_norm", unless: false)
    try c.refuse("layer_norm_elementwise_affine", unless: true)
    shape = ModelShape(
      layerCount: try c.integer("num_hidden_layers", in: ConfigurationReader.layers), width: width,
      vocabularySize: try c.integer("vocab_size"),
      contextLength: try c.integer("max_position_embeddings", default: 2048))
    feedForward = try c.integer("ffn_dim")
    activation = try c.activation("activation_function", default: "relu")
    hasBias = try c.bool("enable_bias", default: true)
    isTied = try c.bool("tie_word_embeddings", default: true)
    padding = try c.paddingToken(absent: 1, vocabularySize: shape.vocabularySize)
    initialDeviation = Float(try c.positive("init_std", default: 0.02))
  }

  private var headDimension: Int { shape.width / heads }
  private var positionCount: Int { shape.contextLength + OPT.firstPosition }

  // MARK: Forward

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    let table = try embedding(&pass)
    let positions = try pass.graph.parameter(
      "model.decoder.embed_positions.weight", positionCount, shape.width, role: .embedding,
      initial: .normal(initialDeviation))
    return ResidualStream(
      try pass.embedding(
        tokens, table: table, padding: padding, positions: positions, firstPosition: OPT.firstPosition))
  }

  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    let name = "model.decoder.layers.\(layer)"
    let (normed1, stream1) = try layerNorm(&pass, x, "\(name).self_attn_layer_norm")
    let qkv = try linear(
      &pass, normed1, "\(name).self_attn.qkv_proj", out: 3 * shape.width, heads: .output(dimension: headDimension))
    let mixed = try pass.attention(
      qkv, heads: heads, kvHeads: heads, headDimension: headDimension, scale: 1 / Float(headDimension).squareRoot())
    let attention = try linear(
      &pass, mixed, "\(name).self_attn.out_proj", out: shape.width, isResidual: true,
      heads: .input(dimension: headDimension))

    let (normed2, stream2) = try layerNorm(
      &pass, ResidualStream(stream1, adding: attention), "\(name).final_layer_norm")
    let up = try linear(&pass, normed2, "\(name).fc1", out: feedForward)
    let active = try pass.graph.activation(up, activation)
    let down = try linear(&pass, active, "\(name).fc2", out: shape.width, isResidual: true)
    return ResidualStream(stream2, adding: down)
  }

  func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value {
    try layerNorm(&pass, x, "model.decoder.final_layer_norm").y
  }

  func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    if isTied { return try embedding(&pass) }
    return try pass.graph.parameter(
      "lm_head.weight", shape.vocabularySize, shape.width, role: .linear, initial: .normal(initialDeviation))
  }

  private func embedding(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    try pass.graph.parameter(
      "model.decoder.embed_tokens.weight", shape.vocabularySize, shape.width, role: .embedding,
      initial: padding.map { .normalExcept(row: $0, initialDeviation) } ?? .normal(initialDeviation))
  }

  private func layerNorm(
    _ pass: inout ForwardPass, _ x: ResidualStream, _ name: String
  ) throws(GraphError) -> (y: Value, sum: Value) {
    try pass.graph.norm(x.stream, adding: x.branch, weight: "\(name).weight", bias: "\(name).bias", OPT.norm)
  }

  /// Projections onto the residual stream start smaller, as GPT-2's do.
  private func linear(
    _ pass: inout ForwardPass, _ x: Value, _ name: String, out: Int, isResidual: Bool = false,
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
    table.add("model.decoder.embed_tokens.weight", [shape.vocabularySize, width], .embeddings)
    table.add("model.decoder.embed_positions.weight", [positionCount, width], .positions)
    for layer in 0..<shape.layerCount {
      let name = "model.decoder.layers.\(layer)"
      let attention = "\(name).self_attn"
      let projections = ["q_proj", "k_proj", "v_proj"]
      add(norm: "\(name).self_attn_layer_norm", .norms, layer, to: &table)
      table.add(
        packed: "\(attention).qkv_proj.weight", projections.map { ("\(attention).\($0).weight", [width, width]) },
        .attention, layer: layer)
      if hasBias {
        table.add(
          packed: "\(attention).qkv_proj.bias", projections.map { ("\(attention).\($0).bias", [width]) }, .attention,
          layer: layer)
      }
      add(linear: "\(attention).out_proj", width, width, .attention, layer, to: &table)
      add(norm: "\(name).final_layer_norm", .norms, layer, to: &table)
      add(linear: "\(name).fc1", width, feedForward, .mlp, layer, to: &table)
      add(linear: "\(name).fc2", feedForward, width, .mlp, layer, to: &table)
    }
    add(norm: "model.decoder.final_layer_norm", .finalNorm, nil, to: &table)
    if !isTied { table.add("lm_head.weight", [shape.vocabularySize, width], .head) }
    return WeightMap(
      entries: table.entries, basePrefix: "model.",
      alternatives: isTied ? ["model.decoder.embed_tokens.weight": ["lm_head.weight"]] : [:])
  }

  private func add(norm name: String, _ part: ModelPart, _ layer: Int?, to table: inout WeightTable) {
    table.add("\(name).weight", [shape.width], part, layer: layer)
    table.add("\(name).bias", [shape.width], part, layer: layer)
  }

  private func add(
    linear name: String, _ input: Int, _ output: Int, _ part: ModelPart, _ layer: Int, to table: inout WeightTable
  ) {
    table.add("\(name).weight", [output, input], part, layer: layer)
    if hasBias { table.add("\(name).bias", [output], part, layer: layer) }
  }
}
