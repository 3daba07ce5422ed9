import Checkpoints
import Files

/// Lightning's lit-gpt: `lit_model.pth` with `lit_config.json` beside it (Lightning-AI/lit-gpt, model.py and config.py), which
/// the paper's larger runs were made with. The rows of q, k and v are one matrix, sorted by key/value groups: the queries
/// of a group, its key, its value.
///
/// Two of its architectures are read: LLaMA's and GPT-NeoX' (Pythia).
struct LitGPT: ModelDialect {
  static let name = "lit-gpt"
  static let modelTypes = ["llama", "gpt_neox"]

  static let configurationPlace: String? = configurationName + " beside it"

  private static let configurationName = "lit_config.json"

  /// Hugging Face's name of a tensor without its `.weight` or `.bias` → lit-gpt's.
  private static let names = [
    "model.embed_tokens": "transformer.wte",
    "model.layers.*.input_layernorm": "transformer.h.*.norm_1",
    "model.layers.*.self_attn.q_proj": "transformer.h.*.attn.attn",
    "model.layers.*.self_attn.k_proj": "transformer.h.*.attn.attn",
    "model.layers.*.self_attn.v_proj": "transformer.h.*.attn.attn",
    "model.layers.*.self_attn.o_proj": "transformer.h.*.attn.proj",
    "model.layers.*.post_attention_layernorm": "transformer.h.*.norm_2",
    "model.layers.*.mlp.gate_proj": "transformer.h.*.mlp.fc_1",
    "model.layers.*.mlp.up_proj": "transformer.h.*.mlp.fc_2",
    "model.layers.*.mlp.down_proj": "transformer.h.*.mlp.proj",
    "model.norm": "transformer.ln_f",
    "lm_head": "lm_head",

    "gpt_neox.embed_in": "transformer.wte",
    "gpt_neox.layers.*.input_layernorm": "transformer.h.*.norm_1",
    // With as many groups as heads, the packed matrix is GPT-NeoX' own.
    "gpt_neox.layers.*.attention.query_key_value": "transformer.h.*.attn.attn",
    "gpt_neox.layers.*.attention.dense": "transformer.h.*.attn.proj",
    "gpt_neox.layers.*.post_attention_layernorm": "transformer.h.*.norm_2",
    "gpt_neox.layers.*.mlp.dense_h_to_4h": "transformer.h.*.mlp.fc",
    "gpt_neox.layers.*.mlp.dense_4h_to_h": "transformer.h.*.mlp.proj",
    "gpt_neox.final_layer_norm": "transformer.ln_f",
    "embed_out": "lm_head",
  ]

  private let commonType: ElementType

  init?(_ checkpoint: any CheckpointReader) {
    guard checkpoint.tensors.contains(where: { $0.name == "transformer.h.0.attn.attn.weight" }) else { return nil }
    commonType = checkpoint.commonType
  }

  // MARK: Configuration

  func configuration(in directory: String) throws -> JSONObject? {
    let path = directory + "/" + LitGPT.configurationName
    guard FileTree.exists(path) else { return nil }
    let c = try ConfigurationReader(contentsOf: path)
    let norm = try c.string("_norm_class", default: "LayerNorm")
    switch (try c.string("_mlp_class", default: "GptNeoxMLP"), norm) {
    case ("LLaMAMLP", "RMSNorm"): return try llama(c)
    case ("GptNeoxMLP", "LayerNorm"): return try gptNeoX(c)
    case ("LLaMAMLP", _), ("GptNeoxMLP", _):
      throw c.invalid("_norm_class", "RMSNorm with LLaMAMLP, or LayerNorm with GptNeoxMLP")
    default: throw c.invalid("_mlp_class", "LLaMAMLP or GptNeoxMLP")
    }
  }

  private func llama(_ c: ConfigurationReader) throws(ModelError) -> JSONObject {
    try require(c, "parallel_residual", false, default: true)
    try require(c, "lm_head_bias", false, default: false)
    try require(c, "shared_attention_norm", false, default: false)
    try require(c, "scale_embeddings", false, default: false)
    guard try c.positive("rotary_percentage", default: 0.25) == 1 else {
      throw c.invalid("rotary_percentage", "1, as LLaMA has it")
    }
    guard try c.integer("n_expert", default: 0, in: 0...1024) == 0 else {
      throw c.invalid("n_expert", "0: mixtures of experts are not supported")
    }
    let heads = try c.integer("n_head")
    let hasBias = JSON.bool(try c.bool("bias", default: true))
    var configuration: JSONObject = [
      "architectures": .array([.string("LlamaForCausalLM")]), "model_type": .string("llama"),
      "vocab_size": try vocabularySize(c), "hidden_size": try c.checked("n_embd"),
      "intermediate_size": try c.checked("intermediate_size"),
      "num_hidden_layers": try c.checked("n_layer", in: ConfigurationReader.layers),
      "num_attention_heads": .integer(Int64(heads)),
      "num_key_value_heads": try c.checked("n_query_groups", default: heads), "hidden_act": .string("silu"),
      "max_position_embeddings": try c.checked("block_size"),
      "rms_norm_eps": .number(try c.positive("norm_eps", default: 1e-5)),
      "rope_theta": .number(try c.positive("rope_base", default: 10000)), "rope_scaling": try ropeScaling(c),
      "attention_bias": hasBias, "mlp_bias": hasBias, "tie_word_embeddings": .bool(false),
      "torch_dtype": .string(commonType.torchName),
    ]
    if c.has("head_size") { configuration["head_dim"] = try c.checked("head_size") }
    return configuration
  }

  private func gptNeoX(_ c: ConfigurationReader) throws(ModelError) -> JSONObject {
    let heads = try c.integer("n_head")
    let width = try c.integer("n_embd")
    try require(c, "bias", true, default: true)
    try require(c, "lm_head_bias", false, default: false)
    try require(c, "shared_attention_norm", false, default: false)
    guard try c.integer("n_query_groups", default: heads) == heads else {
      throw c.invalid("n_query_groups", "as many as n_head (\(heads)), as GPT-NeoX has it")
    }
    let activation = try c.string("gelu_approximate", default: "none")
    guard let name = ["none": "gelu", "tanh": "gelu_pytorch_tanh"][activation] else {
      throw c.invalid("gelu_approximate", "none or tanh")
    }
    return [
      "architectures": .array([.string("GPTNeoXForCausalLM")]), "model_type": .string("gpt_neox"),
      "vocab_size": try vocabularySize(c), "hidden_size": .integer(Int64(width)),
      "intermediate_size": try c.checked("intermediate_size", default: 4 * width),
      "num_hidden_layers": try c.checked("n_layer", in: ConfigurationReader.layers),
      "num_attention_heads": .integer(Int64(heads)), "hidden_act": .string(name),
      "max_position_embeddings": try c.checked("block_size"),
      "layer_norm_eps": .number(try c.positive("norm_eps", default: 1e-5)),
      "rotary_pct": .number(try c.positive("rotary_percentage", default: 0.25)),
      "rotary_emb_base": .number(try c.positive("rope_base", default: 10000)),
      "rope_theta": .number(try c.positive("rope_base", default: 10000)), "rope_scaling": try ropeScaling(c),
      "use_parallel_residual": .bool(try c.bool("parallel_residual", default: true)),
      "attention_bias": .bool(true), "tie_word_embeddings": .bool(false),
      "torch_dtype": .string(commonType.torchName),
    ]
  }

  private func require(
    _ c: ConfigurationReader, _ key: String, _ expected: Bool, default fallback: Bool
  ) throws(ModelError) {
    guard try c.bool(key, default: fallback) == expected else { throw c.invalid(key, "\(expected)") }
  }

  /// The rows that the embedding has: `padded_vocab_size`, or `vocab_size` rounded up to a multiple.
  private func vocabularySize(_ c: ConfigurationReader) throws(ModelError) -> JSON {
    if c.has("padded_vocab_size") { return try c.checked("padded_vocab_size") }
    let size = try c.integer("vocab_size")
    let multiple = try c.integer("padding_multiple", default: 512)
    return .integer(Int64((size + multiple - 1) / multiple * multiple))
  }

  /// Positions are divided by `rope_condense_ratio`, which was called `condense_ratio` at first.
  private func ropeScaling(_ c: ConfigurationReader) throws(ModelError) -> JSON {
    let ratio = try c.positive(c.has("condense_ratio") ? "condense_ratio" : "rope_condense_ratio", default: 1)
    return ratio == 1
      ? .null : .object(["rope_type": .string("linear"), "type": .string("linear"), "factor": .number(ratio)])
  }

  // MARK: Tensors

  func place(of entry: WeightEntry, in model: Model) throws(ModelError) -> StoredTensor? {
    let pattern = entry.pattern
    guard let dot = pattern.lastIndex(of: "."), let stored = LitGPT.names[String(pattern[..<dot])] else { return nil }
    var name = stored + pattern[dot...]
    if let layer = entry.layer { name.replace("*", with: String(layer)) }
    guard let part = QueryGroups.Part(pattern) else { return StoredTensor(name: name, shape: entry.shape) }
    return try QueryGroups(model).place(of: part, entry, stored: name)
  }

  func isIgnored(_ name: String) -> Bool { name == "lm_head.weight" }
}

/// The rows of lit-gpt's packed matrix [G·(H/G + 2)·D, C].
private struct QueryGroups {
  enum Part {
    case query, key, value

    init?(_ pattern: String) {
      switch pattern.split(separator: ".").dropLast().last {
      case "q_proj": self = .query
      case "k_proj": self = .key
      case "v_proj": self = .value
      default: return nil
      }
    }
  }

  /// G.
  let count: Int
  /// H/G.
  let queries: Int

  init(_ model: Model) throws(ModelError) {
    let c = ConfigurationReader(model.configuration, source: "config.json")
    let heads = try c.integer("num_attention_heads")
    count = try c.integer("num_key_value_heads", default: heads)
    queries = heads / count
  }

  func place(of part: Part, _ entry: WeightEntry, stored name: String) -> StoredTensor {
    let range =
      switch part {
      case .query: 0..<queries
      case .key: queries..<queries + 1
      case .value: queries + 1..<queries + 2
      }
    let headDimension = entry.shape[0] / (count * range.count)
    return StoredTensor(name: name, shape: [count * (queries + 2) * headDimension] + entry.shape.dropFirst()) {
      layout in
      layout.splitting(axis: 0, into: [count, queries + 2, headDimension]).narrowing(axis: 1, to: range)
    }
  }
}
