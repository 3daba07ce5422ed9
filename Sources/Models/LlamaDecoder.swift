import Files
import Programs
import Tensors

/// What LLaMA and the families after it are made of: RMSNorm, attention with rotary positions over grouped heads, a gated
/// feed-forward part, by transformers' names. A family has one of these, and says what it does differently.
///
/// q, k and v are one parameter, and so are gate and up: one product instead of three and two.
struct LlamaDecoder: Sendable {
  let shape: ModelShape
  let heads: Int
  let kvHeads: Int
  /// D; D·heads need not be the width.
  let headDimension: Int
  let feedForward: Int
  let activation: Activation
  let rotary: RotaryEmbedding
  let isTied: Bool
  /// The token whose embedding is not trained.
  let padding: Int?
  let initialDeviation: Float
  var norm: NormSpec
  /// Biases of the projections to q, k and v, back to the stream, and of the feed-forward part.
  var queryKeyValueHasBias = false
  var outputHasBias = false
  var feedForwardHasBias = false
  /// Whether query and key heads have norms of their own.
  var normalizesHeads = false
  /// The factor on q·k.
  var scoreScale: Float
  /// c of c·tanh(s/c), which scaled scores s become.
  var scoreSoftcap: Float?

  /// What the configuration classes of the families start from, for keys that a config.json lacks.
  struct Defaults {
    /// Of `num_key_value_heads`; nil: as many as heads.
    var kvHeads: Int?
    /// Of `head_dim`; nil: the width over the heads.
    var headDimension: Int?
    var contextLength: Int
    var isTied = false
    /// `pad_token_id`.
    var padding: Int?
  }

  init(_ c: ConfigurationReader, activation: Activation, _ defaults: Defaults) throws(ModelError) {
    let width = try c.integer("hidden_size")
    heads = try c.integer("num_attention_heads")
    kvHeads = try c.integerOrNull("num_key_value_heads", absent: defaults.kvHeads) ?? heads
    guard kvHeads <= heads, heads % kvHeads == 0 else {
      throw c.invalid("num_key_value_heads", "a divisor of num_attention_heads (\(heads))")
    }
    if !c.has("head_dim"), defaults.headDimension == nil, width % heads != 0 {
      throw c.invalid("num_attention_heads", "a divisor of hidden_size (\(width)), or a head_dim of its own")
    }
    headDimension = try c.integer(
      "head_dim", default: defaults.headDimension ?? width / heads, in: ConfigurationReader.headDimensions)
    guard headDimension % 2 == 0 else {
      throw c.invalid(c.has("head_dim") ? "head_dim" : "num_attention_heads", "an even head dimension")
    }
    shape = ModelShape(
      layerCount: try c.integer("num_hidden_layers", in: ConfigurationReader.layers), width: width,
      vocabularySize: try c.integer("vocab_size"),
      contextLength: try c.integer("max_position_embeddings", default: defaults.contextLength))
    feedForward = try c.integer("intermediate_size")
    self.activation = activation
    rotary = try RotaryEmbedding(c, headDimension: headDimension)
    isTied = try c.bool("tie_word_embeddings", default: defaults.isTied)
    padding = try c.paddingToken(absent: defaults.padding, vocabularySize: shape.vocabularySize)
    initialDeviation = Float(try c.positive("initializer_range", default: 0.02))
    norm = NormSpec(kind: .rms, epsilon: Float(try c.positive("rms_norm_eps", default: 1e-6)))
    scoreScale = 1 / Float(headDimension).squareRoot()
  }

  private var queryWidth: Int { heads * headDimension }
  private var keyWidth: Int { kvHeads * headDimension }

  // MARK: Forward

  /// - Parameter scale: a factor on the embedding, not on the head that is tied to it.
  func embed(_ pass: inout ForwardPass, _ tokens: Value, scale: Float = 1) throws(GraphError) -> ResidualStream {
    let table = try embedding(&pass)
    return ResidualStream(
      try pass.embedding(tokens, table: table, scale: scale, padding: padding))
  }

  /// LLaMA's block: each sublayer reads the stream through a norm.
  /// - Parameter window: keys that a query sees; nil: all before it.
  func block(
    _ pass: inout ForwardPass, _ x: ResidualStream, layer: Int, window: Int? = nil
  ) throws(GraphError) -> ResidualStream {
    let (normed1, stream1) = try norm(&pass, x, "\(name(layer)).input_layernorm")
    let attention = try attention(&pass, normed1, layer: layer, window: window)
    let (normed2, stream2) = try norm(
      &pass, ResidualStream(stream1, adding: attention), "\(name(layer)).post_attention_layernorm")
    return ResidualStream(stream2, adding: try feedForward(&pass, normed2, layer: layer))
  }

  /// The norm of a stream, and the stream with its branch added.
  func norm(
    _ pass: inout ForwardPass, _ x: ResidualStream, _ name: String
  ) throws(GraphError) -> (y: Value, sum: Value) {
    try pass.graph.norm(x.stream, adding: x.branch, weight: "\(name).weight", norm)
  }

  func attention(_ pass: inout ForwardPass, _ x: Value, layer: Int, window: Int?) throws(GraphError) -> Value {
    let name = "\(name(layer)).self_attn"
    var qkv = try linear(
      &pass, x, "\(name).qkv_proj", out: queryWidth + 2 * keyWidth, hasBias: queryKeyValueHasBias,
      heads: .output(dimension: headDimension))
    if normalizesHeads {
      qkv = try pass.headNorm(
        qkv, heads: heads, kvHeads: kvHeads, headDimension: headDimension, queryWeight: "\(name).q_norm.weight",
        keyWeight: "\(name).k_norm.weight", epsilon: norm.epsilon)
    }
    try pass.rotate(qkv, by: rotary, heads: heads + kvHeads, headDimension: headDimension)
    let mixed = try pass.attention(
      qkv, heads: heads, kvHeads: kvHeads, headDimension: headDimension, scale: scoreScale, window: window,
      softcap: scoreSoftcap)
    return try linear(
      &pass, mixed, "\(name).o_proj", out: shape.width, hasBias: outputHasBias, isResidual: true,
      heads: .input(dimension: headDimension))
  }

  func feedForward(_ pass: inout ForwardPass, _ x: Value, layer: Int) throws(GraphError) -> Value {
    let name = "\(name(layer)).mlp"
    let gateUp = try linear(&pass, x, "\(name).gate_up_proj", out: 2 * feedForward, hasBias: feedForwardHasBias)
    let active = try pass.graph.gated(gateUp, activation)
    return try linear(
      &pass, active, "\(name).down_proj", out: shape.width, hasBias: feedForwardHasBias, isResidual: true)
  }

  func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    if isTied { return try embedding(&pass) }
    return try pass.graph.parameter(
      "lm_head.weight", shape.vocabularySize, shape.width, role: .linear, initial: .normal(initialDeviation))
  }

  func name(_ layer: Int) -> String { "model.layers.\(layer)" }

  private func embedding(_ pass: inout ForwardPass) throws(GraphError) -> Value {
    try pass.graph.parameter(
      "model.embed_tokens.weight", shape.vocabularySize, shape.width, role: .embedding,
      initial: padding.map { .normalExcept(row: $0, initialDeviation) } ?? .normal(initialDeviation))
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

  /// - Parameters:
  ///   - middle: the block's norms after attention and before the feed-forward part.
  ///   - last: those after the feed-forward part.
  func weights(middle: [String] = ["post_attention_layernorm"], last: [String] = []) -> WeightMap {
    var table = WeightTable()
    let width = shape.width
    table.add("model.embed_tokens.weight", [shape.vocabularySize, width], .embeddings)
    for layer in 0..<shape.layerCount {
      let name = name(layer)
      table.add("\(name).input_layernorm.weight", [width], .norms, layer: layer)
      add(attention: "\(name).self_attn", layer, to: &table)
      for norm in middle { table.add("\(name).\(norm).weight", [width], .norms, layer: layer) }
      add(feedForward: "\(name).mlp", layer, to: &table)
      for norm in last { table.add("\(name).\(norm).weight", [width], .norms, layer: layer) }
    }
    table.add("model.norm.weight", [width], .finalNorm)
    if !isTied { table.add("lm_head.weight", [shape.vocabularySize, width], .head) }
    return WeightMap(
      entries: table.entries, basePrefix: "model.",
      alternatives: isTied ? ["model.embed_tokens.weight": ["lm_head.weight"]] : [:],
      ignoredSuffixes: [".rotary_emb.inv_freq"])
  }

  private func add(attention name: String, _ layer: Int, to table: inout WeightTable) {
    let width = shape.width
    let projections = [("q_proj", queryWidth), ("k_proj", keyWidth), ("v_proj", keyWidth)]
    table.add(
      packed: "\(name).qkv_proj.weight", projections.map { ("\(name).\($0).weight", [$1, width]) }, .attention,
      layer: layer)
    if queryKeyValueHasBias {
      table.add(
        packed: "\(name).qkv_proj.bias", projections.map { ("\(name).\($0).bias", [$1]) }, .attention, layer: layer)
    }
    if normalizesHeads {
      for norm in ["q_norm", "k_norm"] {
        table.add("\(name).\(norm).weight", [headDimension], .attention, layer: layer)
      }
    }
    table.add("\(name).o_proj.weight", [width, queryWidth], .attention, layer: layer)
    if outputHasBias { table.add("\(name).o_proj.bias", [width], .attention, layer: layer) }
  }

  private func add(feedForward name: String, _ layer: Int, to table: inout WeightTable) {
    let width = shape.width
    let projections = ["gate_proj", "up_proj"]
    table.add(
      packed: "\(name).gate_up_proj.weight", projections.map { ("\(name).\($0).weight", [feedForward, width]) }, .mlp,
      layer: layer)
    table.add("\(name).down_proj.weight", [width, feedForward], .mlp, layer: layer)
    if feedForwardHasBias {
      table.add(
        packed: "\(name).gate_up_proj.bias", projections.map { ("\(name).\($0).bias", [feedForward]) }, .mlp,
        layer: layer)
      table.add("\(name).down_proj.bias", [width], .mlp, layer: layer)
    }
  }
}

/// A family that is a `LlamaDecoder`, with LLaMA's block unless it writes its own.
protocol LlamaFamily: ModelFamily {
  var decoder: LlamaDecoder { get }
  /// Keys that a query of a block sees; nil: all before it.
  func window(layer: Int) -> Int?
}

extension LlamaFamily {
  static var layerCountKey: String { "num_hidden_layers" }
  var shape: ModelShape { decoder.shape }
  var weights: WeightMap { decoder.weights() }
  func window(layer: Int) -> Int? { nil }

  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream {
    try decoder.embed(&pass, tokens)
  }

  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream {
    try decoder.block(&pass, x, layer: layer, window: window(layer: layer))
  }

  func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value {
    try decoder.norm(&pass, x, "model.norm").y
  }

  func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value { try decoder.headWeight(&pass) }
}
