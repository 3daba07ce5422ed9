import CPUBackend
import Files
import ModelChecks
import Programs
import TestSupport
import Testing

@testable import Models

/// What each family's config.json may say: every key that changes the computation is followed or refused.
struct FamilyConfigurationTests {
  static let llamaKeys: JSONObject = [
    "hidden_size": .integer(12), "num_attention_heads": .integer(3), "num_key_value_heads": .integer(3),
    "num_hidden_layers": .integer(4), "intermediate_size": .integer(10), "vocab_size": .integer(11),
    "head_dim": .integer(4),
  ]
  /// The smallest configuration of each family.
  static let all: [String: JSONObject] = [
    "llama": llamaKeys, "mistral": llamaKeys, "qwen2": llamaKeys, "qwen3": llamaKeys, "gemma": llamaKeys,
    "gemma2": llamaKeys,
    "gpt_neox": [
      "hidden_size": .integer(32), "num_attention_heads": .integer(2), "num_hidden_layers": .integer(4),
      "intermediate_size": .integer(10), "vocab_size": .integer(11),
    ],
    "opt": [
      "hidden_size": .integer(12), "num_attention_heads": .integer(3), "num_hidden_layers": .integer(4),
      "ffn_dim": .integer(10), "vocab_size": .integer(11),
    ],
    "mpt": [
      "d_model": .integer(12), "n_heads": .integer(3), "n_layers": .integer(4), "vocab_size": .integer(11),
    ],
  ]

  static func model(_ type: String, _ changes: JSONObject = [:]) throws -> Model {
    var configuration = try #require(all[type])
    configuration["model_type"] = .string(type)
    for (key, value) in changes { configuration[key] = value }
    return try Model(configuration: configuration, source: "config.json")
  }

  /// The files' tensors and the parameters are two views of the same elements.
  @Test(arguments: all.keys.sorted())
  func tablesCoverTheParameters(type: String) throws {
    let model = try Self.model(type)
    var places: [String: Set<Int>] = [:]
    for entry in model.weights.entries {
      guard case .parameter(let name, let layout) = entry.content else { continue }
      #expect(layout.elementCount == entry.elementCount)
      layout.forEachRun(0..<layout.elementCount) { run in
        for index in 0..<run.count {
          #expect(places[name, default: []].insert(run.start + index * run.stride).inserted)
        }
      }
    }
    #expect(Set(places.keys) == Set(model.parameters.map(\.name)))
    for parameter in model.parameters { #expect(places[parameter.name] == Set(0..<parameter.count)) }
  }

  static let refused: [(type: String, key: String, value: JSON)] = [
    ("llama", "rope_parameters", .object(["rope_type": .string("yarn"), "factor": .number(2)])),
    ("llama", "partial_rotary_factor", .number(0.3)), ("llama", "pad_token_id", .string("x")),
    ("mistral", "sliding_window", .integer(0)), ("mistral", "layer_types", .array([.string("full_attention")])),
    ("qwen2", "layer_types", .array([.string("full_attention")])),
    ("qwen2", "layer_types", .array([JSON](repeating: .string("sliding_attention"), count: 4))),
    ("qwen2", "layer_types", .array([JSON](repeating: .string("linear_attention"), count: 4))),
    ("qwen2", "layer_types", .array([JSON](repeating: .integer(1), count: 4))),
    ("qwen3", "max_window_layers", .integer(-1)), ("gemma", "use_bidirectional_attention", .bool(true)),
    ("gemma", "hidden_activation", .string("tanh")), ("gemma2", "sliding_window", .null),
    ("gemma2", "attn_logit_softcapping", .integer(0)), ("gemma2", "query_pre_attn_scalar", .integer(-1)),
    ("gpt_neox", "rotary_pct", .number(0.2)), ("gpt_neox", "rotary_pct", .number(1.5)),
    ("gpt_neox", "rotary_pct", .number(0.01)), ("gpt_neox", "num_attention_heads", .integer(5)),
    ("opt", "word_embed_proj_dim", .integer(6)), ("opt", "do_layer_norm_before", .bool(false)),
    ("opt", "_remove_final_layer_norm", .bool(true)), ("opt", "layer_norm_elementwise_affine", .bool(false)),
    ("opt", "num_attention_heads", .integer(5)), ("mpt", "no_bias", .bool(false)), ("mpt", "logit_scale", .number(2)),
    ("mpt", "expansion_ratio", .integer(3)), ("mpt", "norm_type", .string("rmsnorm")),
    ("mpt", "embedding_fraction", .number(0.5)), ("mpt", "n_heads", .integer(5)),
  ]

  @Test(arguments: refused)
  func refuses(type: String, key: String, value: JSON) throws {
    let error = #expect(throws: ModelError.self) { try Self.model(type, [key: value]) }
    let message = try #require(error).description
    // A rope type is said to be wrong in its section; windows that are wanted and missing, by their own key.
    let named = key == "rope_parameters" ? "rope_type" : key
    #expect(message.hasPrefix("config.json"), "\(message)")
    #expect(message.contains(named) || message.contains("sliding_window"), "\(message)")
  }

  @Test(
    arguments: [
      ("alibi", .bool(false)), ("qk_ln", .bool(true)), ("clip_qkv", .integer(6)), ("prefix_lm", .bool(true)),
      ("attn_uses_sequence_id", .bool(true)), ("attn_type", .string("multiquery_attention")),
      ("softmax_scale", .integer(0)), ("alibi_bias_max", .integer(-8)),
    ] as [(String, JSON)])
  func refusesMPTAttention(key: String, value: JSON) throws {
    let error = #expect(throws: ModelError.self) {
      try Self.model("mpt", ["attn_config": .object([key: value])])
    }
    #expect(try #require(error).description.contains("attn_config: '\(key)'"))
  }

  /// A missing key is what transformers' configuration class makes of it; null may be something else.
  @Test func windows() throws {
    func windows(_ type: String, _ changes: JSONObject = [:]) throws -> [Int?] {
      let family = try #require(try Self.model(type, changes).family as? any LlamaFamily)
      return (0..<4).map { family.window(layer: $0) }
    }
    #expect(try windows("mistral") == [4096, 4096, 4096, 4096])
    #expect(try windows("mistral", ["sliding_window": .null]) == [nil, nil, nil, nil])
    #expect(try windows("qwen2") == [nil, nil, nil, nil])
    let sliding: JSONObject = [
      "use_sliding_window": .bool(true), "sliding_window": .integer(3), "max_window_layers": .integer(2),
    ]
    #expect(try windows("qwen2", sliding) == [nil, nil, 3, 3])
    #expect(try windows("qwen3", sliding) == [nil, nil, 3, 3])
    #expect(try windows("gemma2") == [4096, nil, 4096, nil])
  }

  /// OPT's first files lack `model.`; GPT-NeoX' carry masks and tables.
  @Test func otherNames() throws {
    let opt = try Self.model("opt").weights
    for name in ["model.decoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"] {
      #expect(opt.fileName(of: opt.entries[0]) { $0 == name } == name)
    }
    let neox = try Self.model("gpt_neox").weights
    for name in ["bias", "masked_bias", "rotary_emb.inv_freq"] {
      #expect(neox.isIgnored("gpt_neox.layers.0.attention.\(name)"))
    }
    #expect(!neox.isIgnored("gpt_neox.layers.0.attention.dense.bias"))
  }

  /// "gelu" in the first Gemma files means its tanh form.
  @Test func gemmaActivation() throws {
    func activation(_ changes: JSONObject) throws -> String? {
      (try Self.model("gemma", changes).family as? Gemma).map { "\($0.decoder.activation)" }
    }
    #expect(try activation([:]) == "geluTanh")
    #expect(try activation(["hidden_act": .string("gelu")]) == "geluTanh")
    #expect(try activation(["hidden_act": .string("gelu"), "hidden_activation": .null]) == "geluTanh")
    #expect(try activation(["hidden_activation": .string("gelu")]) == "geluErf")
  }

  /// Press et al., for 8 heads: 1/2, 1/4, … 1/256; and MPT's order for 3.
  @Test func slopes() {
    #expect(
      MPT.slopes(heads: 8, largestExponent: 8) == (1...8).map { Float(sign: .plus, exponent: -$0, significand: 1) })
    #expect(MPT.slopes(heads: 3, largestExponent: 8) == [0.0625, 0.00390625, 0.25])
    #expect(MPT.slopes(heads: 1, largestExponent: 16) == [Float(sign: .plus, exponent: -16, significand: 1)])
  }

  @Test func paddingToken() throws {
    func padding(_ value: JSON?) throws -> Int? {
      var object: JSONObject = [:]
      object["pad_token_id"] = value
      return try ConfigurationReader(object, source: "test").paddingToken(absent: 1, vocabularySize: 10)
    }
    #expect(try padding(nil) == 1)
    #expect(try padding(.null) == nil)
    #expect(try padding(.integer(-1)) == 9)
    #expect(try padding(.integer(10)) == nil)
  }

  /// A part of each head, in families that rotate all of it; and the older key beside the newer one.
  @Test func rotaryKeys() throws {
    for type in ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2"] {
      #expect(throws: ModelError.self) { try Self.model(type, ["partial_rotary_factor": .number(0.5)]) }
      _ = try Self.model(type, ["partial_rotary_factor": .number(1)])
    }
    let linear: JSON = .object(["rope_type": .string("linear"), "factor": .number(4)])
    let both = try Self.model(
      "llama", ["rope_scaling": linear, "rope_parameters": .object(["rope_type": .string("default")])])
    #expect((both.family as? Llama)?.decoder.rotary.scaling == .linear(factor: 4))
  }

  /// llm-foundry's settings that transformers' MPT does not know.
  @Test func mptSettings() throws {
    let refused: [JSONObject] = [
      ["attn_config": .object(["rope": .bool(true)])], ["attn_config": .object(["kv_n_heads": .integer(1)])],
      ["attn_config": .object(["sliding_window_size": .integer(8)])],
      ["ffn_config": .object(["ffn_type": .string("mptglu")])],
      ["d_model": .integer(1 << 20), "n_heads": .integer(1 << 20)],
    ]
    for changes in refused { #expect(throws: ModelError.self) { try Self.model("mpt", changes) } }
    _ = try Self.model(
      "mpt",
      [
        "attn_config": .object(["rope": .bool(false), "kv_n_heads": .integer(3), "sliding_window_size": .integer(-1)]),
        "ffn_config": .object(["ffn_type": .string("mptmlp")]),
      ])
  }

  /// The row of a padding token starts at zero, as it stays.
  @Test(arguments: ["llama", "opt"])
  func paddingRowStartsAtZero(type: String) throws {
    let model = try Self.model(type, ["pad_token_id": .integer(2)])
    let table = try #require(model.parameters.first { $0.name.hasSuffix("embed_tokens.weight") })
    let values = table.initialValues(0..<table.count, seed: 1)
    for row in 0..<table.rows {
      let isZero = values[row * table.columns..<(row + 1) * table.columns].allSatisfy { $0 == 0 }
      #expect(isZero == (row == 2))
    }
    // Any part by itself.
    #expect(table.initialValues(20..<40, seed: 1) == Array(values[20..<40]))
  }
}
