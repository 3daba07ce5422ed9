import Checkpoints
import Files

/// llama2.c's `.bin` (karpathy/llama2.c, model.py and run.c): a LLaMA whose tensors are stacked over the blocks, and whose
/// rotary positions turn neighbours (0, 1), (2, 3), … of a head, where transformers turns (0, D/2), (1, D/2 + 1), … .
struct Llama2C: ModelDialect {
  static let name = "llama2.c"
  static let modelTypes = ["llama"]
  static let configurationPlace: String? = nil

  /// Hugging Face's name → llama2.c's.
  private static let names = [
    "model.embed_tokens.weight": "token_embedding_table",
    "model.layers.*.input_layernorm.weight": "rms_att_weight",
    "model.layers.*.self_attn.q_proj.weight": "wq",
    "model.layers.*.self_attn.k_proj.weight": "wk",
    "model.layers.*.self_attn.v_proj.weight": "wv",
    "model.layers.*.self_attn.o_proj.weight": "wo",
    "model.layers.*.post_attention_layernorm.weight": "rms_ffn_weight",
    "model.layers.*.mlp.gate_proj.weight": "w1",
    "model.layers.*.mlp.down_proj.weight": "w2",
    "model.layers.*.mlp.up_proj.weight": "w3",
    "model.norm.weight": "rms_final_weight",
    "lm_head.weight": "wcls",
  ]

  private let settings: JSONObject
  private let path: String

  init?(_ checkpoint: any CheckpointReader) {
    guard checkpoint.description(of: "token_embedding_table") != nil, checkpoint.settings["n_kv_heads"] != nil else {
      return nil
    }
    settings = checkpoint.settings
    path = checkpoint.path
  }

  func configuration(in directory: String) throws -> JSONObject? {
    let c = ConfigurationReader(settings, source: path)
    return [
      "architectures": .array([.string("LlamaForCausalLM")]), "model_type": .string("llama"),
      "vocab_size": try c.checked("vocab_size"), "hidden_size": try c.checked("dim"),
      "intermediate_size": try c.checked("hidden_dim"),
      "num_hidden_layers": try c.checked("n_layers", in: ConfigurationReader.layers),
      "num_attention_heads": try c.checked("n_heads"), "num_key_value_heads": try c.checked("n_kv_heads"),
      "hidden_act": .string("silu"), "max_position_embeddings": try c.checked("seq_len"),
      // Constants of its model.py.
      "rms_norm_eps": .number(1e-5), "rope_theta": .number(10000), "rope_scaling": .null,
      "tie_word_embeddings": .bool(try c.bool("shared_classifier", default: true)), "attention_bias": .bool(false),
      "mlp_bias": .bool(false), "bos_token_id": .integer(1), "eos_token_id": .integer(2),
      "torch_dtype": .string("float32"),
    ]
  }

  func place(of entry: WeightEntry, in model: Model) throws(ModelError) -> StoredTensor? {
    let pattern = entry.pattern
    guard let name = Llama2C.names[pattern] else { return nil }
    guard let layer = entry.layer else { return StoredTensor(name: name, shape: entry.shape) }
    let isRotated = name == "wq" || name == "wk"
    let heads = isRotated ? try headCount(name == "wq" ? "num_attention_heads" : "num_key_value_heads", in: model) : 1
    return StoredTensor(name: name, shape: [model.layerCount] + entry.shape) { layout in
      let block = layout.narrowing(axis: 0, to: layer..<layer + 1)
      guard isRotated else { return block }
      return block.splitting(axis: 1, into: [heads, entry.shape[0] / heads / 2, 2]).permuting([0, 1, 3, 2, 4])
    }
  }

  private func headCount(_ key: String, in model: Model) throws(ModelError) -> Int {
    let c = ConfigurationReader(model.configuration, source: path)
    return try c.integer(key, default: c.integer("num_attention_heads"))
  }

  /// Tables of sines and cosines.
  func isIgnored(_ name: String) -> Bool { name.hasPrefix("freq_cis_") }
}
