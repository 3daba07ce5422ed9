import CPUBackend
import Checkpoints
import Files
import Models
import Programs
import TestSupport
import Testing

struct ConfigurationTests {
  static let gpt2: JSONObject = [
    "model_type": .string("gpt2"), "n_embd": .integer(8), "n_head": .integer(2), "n_layer": .integer(3),
    "n_positions": .integer(16), "vocab_size": .integer(11),
  ]
  static let llama: JSONObject = [
    "model_type": .string("llama"), "hidden_size": .integer(12), "num_attention_heads": .integer(3),
    "num_hidden_layers": .integer(2), "intermediate_size": .integer(10), "vocab_size": .integer(11),
  ]

  /// 48 H² and the rest, by hand: GPT-2 with the tied head counted once.
  @Test func parameterCounts() throws {
    let block = (8 * 24 + 24) + (8 * 8 + 8) + (8 * 32 + 32) + (32 * 8 + 8) + 4 * 8
    #expect(
      try Model(configuration: Self.gpt2, source: "test").parameterCount == 11 * 8 + 16 * 8 + 3 * block + 2 * 8)
    var unbiased = Self.gpt2
    unbiased["bias"] = .bool(false)
    let bare = 8 * 24 + 8 * 8 + 8 * 32 + 32 * 8 + 2 * 8
    #expect(try Model(configuration: unbiased, source: "test").parameterCount == 11 * 8 + 16 * 8 + 3 * bare + 8)
    let llamaBlock = 4 * 12 * 12 + 3 * 12 * 10 + 2 * 12
    #expect(try Model(configuration: Self.llama, source: "test").parameterCount == 2 * 11 * 12 + 2 * llamaBlock + 12)
  }

  /// The sizes of the paper's reference and child: 26 and 13 blocks of OpenLLaMA-3B.
  @Test func openLLaMA() throws {
    let model = try Model(
      configuration: [
        "model_type": .string("llama"), "hidden_size": .integer(3200), "intermediate_size": .integer(8640),
        "num_attention_heads": .integer(32), "num_hidden_layers": .integer(26), "vocab_size": .integer(32000),
        "max_position_embeddings": .integer(2048), "rms_norm_eps": .number(1e-6), "tie_word_embeddings": .bool(false),
      ], source: "test")
    #expect(model.parameterCount == 3_426_473_600)
    #expect(try model.selectingLayers(Array(0..<13)).parameterCount == 1_815_638_400)
  }

  @Test(
    arguments: [
      ("n_embd", JSON.string("8"), "whole number"), ("n_embd", .number(4.5), "whole number"),
      ("n_embd", .integer(0), "whole number"), ("n_embd", .integer(-8), "whole number"),
      ("n_embd", .integer(1 << 40), "whole number"), ("n_embd", .null, "missing"), ("n_head", .integer(3), "divisor"),
      ("n_layer", .integer(1_000_000_000), "whole number"), ("vocab_size", .array([.integer(12)]), "whole number"),
      ("model_type", .string("gpt9"), "not supported"), ("model_type", .integer(2), "string"),
      ("activation_function", .string("shrug"), "gelu_new"), ("layer_norm_epsilon", .number(.nan), "finite"),
      ("layer_norm_epsilon", .number(1e300), "finite"), ("layer_norm_epsilon", .number(-1), "finite"),
    ] as [(String, JSON, String)])
  func refusesGPT2(key: String, value: JSON, word: String) throws {
    var configuration = Self.gpt2
    configuration[key] = value
    let error = #expect(throws: ModelError.self) { try Model(configuration: configuration, source: "config.json") }
    let message = try #require(error).description
    #expect(message.contains(key) && message.contains(word) && message.hasPrefix("config.json"), "\(message)")
  }

  @Test(
    arguments: [
      ("num_key_value_heads", JSON.integer(4)), ("num_key_value_heads", .integer(0)),
      ("num_key_value_heads", .integer(2)), ("rope_theta", .integer(0)), ("rms_norm_eps", .number(-1)),
      ("rope_scaling", .object(["type": .string("magic"), "factor": .number(2)])),
      ("rope_scaling", .object(["rope_type": .string("llama3"), "factor": .number(2)])), ("head_dim", .integer(3)),
    ] as [(String, JSON)])
  func refusesLlama(key: String, value: JSON) throws {
    var configuration = Self.llama
    configuration[key] = value
    #expect(throws: ModelError.self) { try Model(configuration: configuration, source: "config.json") }
  }

  /// Hostile config.json files: refused as the manifest says, without a crash.
  @Test(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
  func hostile() throws {
    let manifest = try JSON(contentsOf: Shared.path("goldens/hostile/manifest.json"))
    var checked = 0
    for entry in manifest.array ?? [] where entry["kind"]?.string == "config" {
      let directory = Shared.path("goldens/hostile/" + (try #require(entry["dir"]?.string)))
      let wasRead: Bool
      do {
        try loadCompletely(directory)
        wasRead = true
      } catch { wasRead = false }
      let expected = try #require(entry["expected"]?.string)
      #expect(expected == "either" || wasRead == (expected == "ok"), "\(directory)")
      checked += 1
    }
    #expect(checked > 30)
  }
}

/// Everything up to the weights being in place.
private func loadCompletely(_ directory: String) throws {
  let model = try Model.load(directory: directory)
  _ = try ParameterStore.load(model, from: Checkpoint.open(directory), device: CPUDevice(threads: 1))
}
