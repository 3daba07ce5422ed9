import Checkpoints
import Files
import Foundation
import ModelChecks
import Testing

@testable import Models

/// What other programs call weights becomes what Hugging Face calls them, bit for bit.
struct DialectTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func expectSame(
    _ checkpoint: any CheckpointReader, _ fixture: DialectFixture, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let names = try fixture.model.weights.match(checkpoint).compactMap { $0 }
    #expect(names == fixture.tensors.map(\.name), sourceLocation: sourceLocation)
    for tensor in fixture.tensors {
      #expect(checkpoint.description(of: tensor.name)?.shape == tensor.shape, sourceLocation: sourceLocation)
      #expect(try checkpoint.floats(tensor.name) == tensor.values, "\(tensor.name)", sourceLocation: sourceLocation)
    }
  }

  private func message(_ body: () throws -> Any) -> String {
    do { return "no error: \(try body())" } catch { return "\(error)" }
  }

  // MARK: nanoGPT

  private static let arguments: JSONObject = [
    "n_layer": .integer(2), "n_head": .integer(3), "n_embd": .integer(6), "block_size": .integer(5),
    "bias": .bool(true), "vocab_size": .integer(7), "dropout": .number(0.1),
  ]

  private func nanoGPT(_ arguments: JSONObject, _ tensors: [DialectFixture.Tensor]) throws -> (Model, DerivedCheckpoint)
  {
    try nanoGPT(arguments, stored: folder.write(tensors))
  }

  private func nanoGPT(
    _ arguments: JSONObject, stored: any CheckpointReader
  ) throws -> (Model, DerivedCheckpoint) {
    let stored = SettingsCheckpoint(
      base: stored, settings: ["model_args": .object(arguments), "iter_num": .integer(9)])
    let unwrapped = try stored.unwrapped()
    let dialect = try #require(ModelDialects.dialect(of: unwrapped))
    #expect(dialect.name == "nanoGPT")
    let model = try dialect.model(of: unwrapped, in: folder.path)
    return (model, try dialect.translate(unwrapped, for: model))
  }

  @Test(arguments: ["", "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."])
  func nanoGPT(prefix: String) throws {
    let fixture = try DialectFixture.gpt2()
    let (model, checkpoint) = try nanoGPT(DialectTests.arguments, fixture.nanoGPT(prefix: prefix))
    #expect(model.parameterCount == fixture.model.parameterCount + 7 * 6)
    try expectSame(checkpoint, fixture)
  }

  /// The head stored at a place of its own is a matrix of its own.
  @Test func nanoGPTConfiguration() throws {
    let fixture = try DialectFixture.gpt2()
    let (model, _) = try nanoGPT(DialectTests.arguments, fixture.nanoGPT())
    let expected: JSONObject = [
      "architectures": .array([.string("GPT2LMHeadModel")]), "model_type": .string("gpt2"),
      "activation_function": .string("gelu_new"), "vocab_size": .integer(7), "n_positions": .integer(5),
      "n_ctx": .integer(5), "n_embd": .integer(6), "n_head": .integer(3), "n_layer": .integer(2),
      "layer_norm_epsilon": .number(1e-5), "initializer_range": .number(0.02), "resid_pdrop": .number(0.1),
      "embd_pdrop": .number(0.1), "attn_pdrop": .number(0.1), "bias": .bool(true),
      "scale_attn_by_inverse_layer_idx": .bool(false), "tie_word_embeddings": .bool(false),
      "bos_token_id": .null, "eos_token_id": .null, "torch_dtype": .string("float32"),
    ]
    #expect(model.configuration == expected)
    let headless = try folder.write(fixture.nanoGPT().filter { $0.name != "lm_head.weight" })
    let shared = try DerivedCheckpoint(
      headless,
      tensors: headless.tensors.map { try .init(name: $0.name, shape: $0.shape, of: $0.name, in: headless) }
        + [.init(name: "lm_head.weight", shape: [7, 6], of: "transformer.wte.weight", in: headless)])
    for stored in [headless, shared] as [any CheckpointReader] {
      let (tied, checkpoint) = try nanoGPT(DialectTests.arguments, stored: stored)
      #expect(tied.configuration["tie_word_embeddings"] == .bool(true))
      #expect(tied.parameterCount == fixture.model.parameterCount)
      try expectSame(checkpoint, fixture)
    }
  }

  /// No biases at all, scores scaled by the layer, and more blocks in `model_args` than in the file, as the paper's code
  /// leaves them.
  @Test func nanoGPTOfThePaper() throws {
    let fixture = try DialectFixture.gpt2(["bias": .bool(false)])
    var arguments = DialectTests.arguments
    arguments["bias"] = .bool(false)
    arguments["n_layer"] = .integer(24)
    arguments["scale_attn_by_inverse_layer_idx"] = .bool(true)
    let (model, checkpoint) = try nanoGPT(arguments, fixture.nanoGPT())
    #expect(model.layerCount == 2 && model.configuration["scale_attn_by_inverse_layer_idx"] == .bool(true))
    try expectSame(checkpoint, fixture)
    // Without the argument, the file tells whether there are biases.
    arguments["bias"] = nil
    #expect(try nanoGPT(arguments, fixture.nanoGPT()).0.configuration["bias"] == .bool(false))
  }

  @Test func nanoGPTErrors() throws {
    let fixture = try DialectFixture.gpt2()
    var arguments = DialectTests.arguments
    arguments["block_size"] = .integer(0)
    let path = folder.path + "/model.safetensors"
    #expect(
      message { try nanoGPT(arguments, fixture.nanoGPT()) }
        == "\(path): model_args: 'block_size' is 0, expected a whole number from 1 to 16777216")
    arguments["block_size"] = nil
    #expect(message { try nanoGPT(arguments, fixture.nanoGPT()) } == "\(path): model_args: key 'block_size' is missing")
    arguments["block_size"] = .integer(4)
    let damaged = fixture.nanoGPT().filter { $0.name != "transformer.h.1.ln_1.bias" } + [("odd", [1], [1])]
    #expect(
      message { try nanoGPT(arguments, damaged) }
        == "\(path): the weights, which have nanoGPT's names, do not fit their configuration: "
        + "'transformer.wpe.weight' is [5, 6], expected [4, 6]; 'transformer.h.1.ln_1.bias' is missing; "
        + "'odd' is not part of this model")
    // Blocks with a gap between them.
    let gap = fixture.nanoGPT().map { tensor in
      (tensor.name.replacingOccurrences(of: ".h.1.", with: ".h.3."), tensor.shape, tensor.values)
    }
    #expect(message { try nanoGPT(DialectTests.arguments, gap) }.contains("'transformer.h.1.ln_1.weight' is missing"))
  }

  /// The weights without their `model_args`: a configuration is wanted, and may come from elsewhere.
  @Test func nanoGPTWithConfiguration() throws {
    let fixture = try DialectFixture.gpt2(["layer_norm_epsilon": .number(0.125)])
    try folder.write(fixture.nanoGPT())
    let path = folder.path + "/model.safetensors"
    #expect(
      message { try ModelSource(path) }
        == "\(path): the weights have nanoGPT's names, and nothing says the model's shape: expected 'model_args' in the "
        + "file, or a config.json beside it; name one with --config")
    try folder.write(fixture.model.configuration, to: "elsewhere.json")
    let source = try ModelSource(path, configuration: folder.path + "/elsewhere.json")
    #expect(source.dialect == "nanoGPT" && source.model.configuration == fixture.model.configuration)
    try expectSame(source.checkpoint, fixture)
  }

  // MARK: lit-gpt

  private static let litConfiguration: JSONObject = [
    "name": .string("tiny"), "block_size": .integer(6), "vocab_size": .integer(5), "padding_multiple": .integer(7),
    "n_layer": .integer(2), "n_head": .integer(4), "n_embd": .integer(16), "n_query_groups": .integer(2),
    "rotary_percentage": .number(1), "parallel_residual": .bool(false), "bias": .bool(false),
    "_norm_class": .string("RMSNorm"), "norm_eps": .number(1e-6), "_mlp_class": .string("LLaMAMLP"),
    "intermediate_size": .integer(12), "rope_condense_ratio": .integer(1), "rope_base": .integer(10000),
  ]

  private func litSource(_ changes: JSONObject = [:], _ fixture: DialectFixture? = nil) throws -> ModelSource {
    var configuration = DialectTests.litConfiguration
    for (key, value) in changes { configuration[key] = value }
    try folder.write(configuration, to: "lit_config.json")
    try folder.write((fixture ?? DialectFixture.llama()).litGPT())
    return try ModelSource(folder.path)
  }

  @Test func litGPT() throws {
    let source = try litSource()
    #expect(source.dialect == "lit-gpt")
    let expected: JSONObject = [
      "architectures": .array([.string("LlamaForCausalLM")]), "model_type": .string("llama"),
      "vocab_size": .integer(7), "hidden_size": .integer(16), "intermediate_size": .integer(12),
      "num_hidden_layers": .integer(2), "num_attention_heads": .integer(4), "num_key_value_heads": .integer(2),
      "hidden_act": .string("silu"), "max_position_embeddings": .integer(6), "rms_norm_eps": .number(1e-6),
      "rope_theta": .number(10000), "rope_scaling": .null, "attention_bias": .bool(false), "mlp_bias": .bool(false),
      "tie_word_embeddings": .bool(false), "torch_dtype": .string("float32"),
    ]
    #expect(source.model.configuration == expected)
    try expectSame(source.checkpoint, DialectFixture.llama())
  }

  @Test func litGPTWithBiases() throws {
    let fixture = try DialectFixture.llama(["attention_bias": .bool(true), "mlp_bias": .bool(true)])
    try expectSame(try litSource(["bias": .bool(true)], fixture).checkpoint, fixture)
  }

  /// Pythia.
  @Test func litGPTOfNeoX() throws {
    let configuration: JSONObject = [
      "block_size": .integer(6), "vocab_size": .integer(7), "padded_vocab_size": .integer(7), "n_layer": .integer(2),
      "n_head": .integer(4), "n_embd": .integer(16), "n_query_groups": .integer(4), "rotary_percentage": .number(0.5),
      "parallel_residual": .bool(false), "bias": .bool(true), "_norm_class": .string("LayerNorm"),
      "norm_eps": .number(1e-6), "_mlp_class": .string("GptNeoxMLP"), "gelu_approximate": .string("none"),
      "intermediate_size": .integer(12), "rope_base": .integer(500),
    ]
    let expected: JSONObject = [
      "architectures": .array([.string("GPTNeoXForCausalLM")]), "model_type": .string("gpt_neox"),
      "vocab_size": .integer(7), "hidden_size": .integer(16), "intermediate_size": .integer(12),
      "num_hidden_layers": .integer(2), "num_attention_heads": .integer(4), "hidden_act": .string("gelu"),
      "max_position_embeddings": .integer(6), "layer_norm_eps": .number(1e-6), "rotary_pct": .number(0.5),
      "rotary_emb_base": .number(500), "rope_theta": .number(500), "rope_scaling": .null,
      "use_parallel_residual": .bool(false), "attention_bias": .bool(true), "tie_word_embeddings": .bool(false),
      "torch_dtype": .string("float32"),
    ]
    let fixture = try DialectFixture.gptNeoX()
    try folder.write(configuration, to: "lit_config.json")
    try folder.write(fixture.litGPTOfNeoX())
    let source = try ModelSource(folder.path)
    #expect(source.model.configuration == expected)
    try expectSame(source.checkpoint, fixture)
    for (key, value, message) in [
      ("shared_attention_norm", JSON.bool(true), "'shared_attention_norm' is true, expected false"),
      ("n_query_groups", .integer(2), "'n_query_groups' is 2, expected as many as n_head (4)"),
      ("gelu_approximate", .string("other"), "'gelu_approximate' is \"other\", expected none or tanh"),
    ] {
      var changed = configuration
      changed[key] = value
      try folder.write(changed, to: "lit_config.json")
      #expect(self.message { try ModelSource(folder.path) }.contains(message))
    }
  }

  @Test func litGPTVariants() throws {
    #expect(try litSource(["padded_vocab_size": .integer(7)]).model.vocabularySize == 7)
    #expect(try litSource(["head_size": .integer(4)]).model.configuration["head_dim"] == .integer(4))
    let stretched = try litSource(["rope_condense_ratio": .integer(4), "rope_base": .integer(500)]).model.configuration
    #expect(stretched["rope_scaling"]?["rope_type"] == .string("linear"))
    #expect(stretched["rope_scaling"]?["factor"] == .number(4) && stretched["rope_theta"] == .number(500))
  }

  /// config.json beside the weights wins.
  @Test func litGPTWithConfiguration() throws {
    let fixture = try DialectFixture.llama(["rms_norm_eps": .number(0.25)])
    try folder.write(fixture.model.configuration, to: "config.json")
    let source = try litSource(["n_layer": .string("not looked at")])
    #expect(source.model.configuration == fixture.model.configuration)
    try expectSame(source.checkpoint, fixture)
  }

  @Test(
    arguments: [
      (
        ["_mlp_class": .string("LLaMAMoE")],
        "'_mlp_class' is \"LLaMAMoE\", expected LLaMAMLP or GptNeoxMLP"
      ),
      (["_norm_class": .string("LayerNorm")], "'_norm_class' is \"LayerNorm\", expected RMSNorm with LLaMAMLP"),
      (["rotary_percentage": .number(0.5)], "'rotary_percentage' is 0.5, expected 1"),
      (["parallel_residual": .bool(true)], "'parallel_residual' is true, expected false"),
      (["n_expert": .integer(8)], "'n_expert' is 8, expected 0"),
      (["lm_head_bias": .bool(true)], "'lm_head_bias' is true, expected false"),
      (["n_query_groups": .integer(3)], "'num_key_value_heads' is 3, expected a divisor"),
      (["n_query_groups": .integer(4)], "'transformer.h.0.attn.attn.weight' is [32, 16], expected [48, 16]"),
      (["n_layer": .integer(1)], "'transformer.h.1.norm_1.weight' is not part of this model"),
      (["n_embd": .null], "lit_config.json: key 'n_embd' is missing"),
    ] as [(JSONObject, String)])
  func litGPTErrors(changes: JSONObject, expected: String) {
    #expect(message { try litSource(changes) }.contains(expected))
  }

  // MARK: TensorFlow

  @Test func tensorFlow() throws {
    let fixture = try DialectFixture.gpt2()
    try folder.write(fixture.tensorFlow())
    #expect(
      message { try ModelSource(folder.path) }
        == "\(folder.path)/model.safetensors: the weights have TensorFlow's names, and nothing says the model's shape: "
        + "expected a config.json beside it; name one with --config")
    try folder.write(fixture.model.configuration, to: "config.json")
    let source = try ModelSource(folder.path)
    #expect(source.dialect == "TensorFlow")
    try expectSame(source.checkpoint, fixture)
  }

  // MARK: llama2.c

  @Test(arguments: [true, false])
  func llama2C(tied: Bool) throws {
    let fixture = try DialectFixture.llama(["tie_word_embeddings": .bool(tied)])
    try Data(fixture.llama2C()).write(to: URL(fileURLWithPath: folder.path + "/model.bin"))
    let source = try ModelSource(folder.path + "/model.bin")
    #expect(source.dialect == "llama2.c")
    #expect(source.model.configuration["tie_word_embeddings"] == .bool(tied))
    #expect(source.model.contextLength == 6 && source.model.parameterCount == fixture.model.parameterCount)
    try expectSame(source.checkpoint, fixture)
  }

  // MARK: No dialect

  /// Hugging Face's own names stay as they are, wrapped or not, in the whole model or its base.
  @Test(arguments: ["", "module.", "_orig_mod.", "model.", "_forward_module.model."])
  func huggingFace(prefix: String) throws {
    for fixture in [try DialectFixture.gpt2(), try DialectFixture.llama()] {
      try folder.write(fixture.model.configuration, to: "config.json")
      try folder.write(fixture.tensors.map { (prefix + $0.name, $0.shape, $0.values) })
      let source = try ModelSource(folder.path)
      #expect(source.dialect == nil)
      try expectSame(source.checkpoint, fixture)
    }
  }

  /// Every name of a tied LLaMA begins with `model.`, which is its own.
  @Test func ownPrefix() throws {
    let fixture = try DialectFixture.llama(["tie_word_embeddings": .bool(true)])
    let names = try folder.write(fixture.tensors).unwrapped().tensors.map(\.name)
    #expect(names.allSatisfy { $0.hasPrefix("model.") && !$0.hasPrefix("model.model.") })
  }

  /// A prefix that not every name has is part of the names.
  @Test func partOfTheNames() throws {
    let fixture = try DialectFixture.llama()
    let tensors = fixture.tensors.enumerated().map { ($0 == 3 ? "" : "module." + $1.name, $1.shape, $1.values) }
    #expect(try folder.write(tensors).unwrapped().tensors.map(\.name) == folder.write(tensors).tensors.map(\.name))
  }

  /// What no model wants does no harm when nothing is in it.
  @Test func emptyTensors() throws {
    for tensors in [try DialectFixture.llama().tensors, try DialectFixture.llama().litGPT()] {
      try folder.write(DialectFixture.llama().model.configuration, to: "config.json")
      try folder.write(tensors + [("extra.none", [0, 4], [])])
      try expectSame(ModelSource(folder.path).checkpoint, DialectFixture.llama())
    }
  }

  @Test func configurationOfAnotherFamily() throws {
    try folder.write(DialectFixture.llama().model.configuration, to: "config.json")
    try folder.write(DialectFixture.gpt2().nanoGPT())
    #expect(
      message { try ModelSource(folder.path) }
        == "\(folder.path)/model.safetensors: the weights have nanoGPT's names, so their model_type must be gpt2, but "
        + "config.json says llama")
  }

  @Test func unknownNames() throws {
    try folder.write([("a", [1], [1]), ("b", [1], [1]), ("c", [1], [1]), ("d", [1], [1])])
    #expect(message { try ModelSource(folder.path + "/model.safetensors") }.contains("no config.json beside it"))
    try folder.write(DialectFixture.llama().model.configuration, to: "config.json")
    let source = try ModelSource(folder.path)
    #expect(
      message { try source.model.weights.match(source.checkpoint) }
        == "\(folder.path)/model.safetensors: no tensor has a known name: found 'a', 'b', 'c', and 1 more; expected "
        + "'model.embed_tokens.weight', 'model.layers.0.input_layernorm.weight', "
        + "'model.layers.0.self_attn.q_proj.weight', and 18 more")
  }
}
