import CPUBackend
import Checkpoints
import Files
import ModelChecks
import Programs
import Tensors
import TestSupport
import Testing

@testable import Models

/// Models whose matrices stay in the two bytes that a checkpoint has for them.
struct WeightStorageTests {
  static let models: [String: JSONObject] = [
    "gpt2": [
      "model_type": .string("gpt2"), "n_embd": .integer(24), "n_head": .integer(4), "n_layer": .integer(2),
      "n_positions": .integer(40), "vocab_size": .integer(37),
    ],
    "llama": llama, "llama, tied": merged(llama, ["tie_word_embeddings": .bool(true)]),
    "gemma": merged(llama, ["model_type": .string("gemma"), "head_dim": .integer(8)]),
    "opt": [
      "model_type": .string("opt"), "hidden_size": .integer(24), "num_attention_heads": .integer(3),
      "num_hidden_layers": .integer(2), "ffn_dim": .integer(40), "vocab_size": .integer(37),
      "max_position_embeddings": .integer(40), "pad_token_id": .integer(1),
    ],
  ]
  private static let llama: JSONObject = [
    "model_type": .string("llama"), "hidden_size": .integer(24), "num_attention_heads": .integer(3),
    "num_key_value_heads": .integer(1), "num_hidden_layers": .integer(2), "intermediate_size": .integer(50),
    "vocab_size": .integer(37), "max_position_embeddings": .integer(40), "tie_word_embeddings": .bool(false),
  ]

  private static func merged(_ object: JSONObject, _ changes: JSONObject) -> JSONObject {
    var object = object
    for (key, value) in changes { object[key] = value }
    return object
  }

  /// A random model's weights in a folder, rounded to `type`.
  private func checkpoint(
    _ name: String, _ type: ElementType
  ) throws -> (model: Model, checkpoint: any CheckpointReader, folder: TemporaryFolder) {
    let model = try Model(configuration: #require(Self.models[name]), source: name)
    let store = try ParameterStore(device: ReferenceDevice(), parameters: model.parameters)
    try store.initialize(seed: 5)
    let folder = try TemporaryFolder()
    try ModelDirectory.write(model, store: store, to: folder.path, type: type)
    return (model, try Checkpoint.open(folder.path), folder)
  }

  private let ids: [Int32] = (0..<33).map { ($0 * $0 + 3) % 37 }

  /// Logits of a whole prompt, and of its last tokens one at a time: products of many rows and of one.
  private func logits(_ model: Model, _ store: ParameterStore) throws -> [Float] {
    let cache = KeyValueCache(device: store.device, capacity: ids.count)
    let prompt = try DecodeProgram(model, store: store, length: 30, logitRows: 30, cache: cache)
    let step = try DecodeProgram(model, store: store, length: 1, cache: cache)
    var logits = try prompt.run(Array(ids[..<30]), at: 0)
    for position in 30..<33 { logits += try step.run([ids[position]], at: position) }
    return logits
  }

  @Test(
    "logits are those of the same weights in float32: to the bit with the plain kernels",
    arguments: models.keys.sorted(), [ElementType.bfloat16, .float16])
  func agrees(name: String, type: ElementType) throws {
    let (model, checkpoint, folder) = try checkpoint(name, type)
    defer { withExtendedLifetime(folder) {} }
    let stored = try #require(model.narrowWeights(of: checkpoint))
    #expect(stored == (type == .bfloat16 ? .bfloat16 : .float16))
    for blas in BLAS.available {
      let device = try CPUDevice(threads: 2, blas: blas)
      let precision = PrecisionMode.auto.precision(on: device.info, weights: stored)
      #expect(precision.weights == stored)
      let narrow = try ParameterStore.load(model, from: checkpoint, device: device, precision: precision)
      let wide = try ParameterStore.load(model, from: checkpoint, device: device)
      for parameter in model.parameters {
        let isMatrix = parameter.role == .linear || parameter.role == .embedding
        #expect(narrow.weight(parameter.name)?.dtype == (isMatrix ? stored : .float32))
        let range = 0..<parameter.count
        #expect(try narrow.read(range, of: parameter.name) == wide.read(range, of: parameter.name))
      }
      let (found, expected) = (try logits(model, narrow), try logits(model, wide))
      #expect(relativeDifference(found, expected) < 1e-5)
      if blas == .plain { #expect(found.map(\.bitPattern) == expected.map(\.bitPattern)) }
    }
  }

  @Test("a program needs what its report says", arguments: models.keys.sorted())
  func memory(name: String) throws {
    let (model, checkpoint, folder) = try checkpoint(name, .bfloat16)
    defer { withExtendedLifetime(folder) {} }
    let device = ReferenceDevice()
    let precision = PrecisionMode.float32.precision(on: device.info, weights: .bfloat16)
    let store = try ParameterStore.load(model, from: checkpoint, device: device, precision: precision)
    let matrices = model.parameters.filter { $0.role == .linear || $0.role == .embedding }.reduce(0) { $0 + $1.count }
    let bytes = 4 * model.parameterCount - 2 * matrices
    // Each parameter begins on a multiple of 16 elements.
    #expect((bytes..<bytes + 64 * model.parameters.count).contains(device.allocatedBytes))
    let parameters = device.allocatedBytes
    let program = try ScoringProgram(
      model, store: store, shape: ScoringProgram.Shape(rows: 12, scores: 5, positions: 12))
    #expect(program.memory.parameters == parameters)
    #expect(program.memory.total == device.allocatedBytes)
  }

  @Test("one matrix that is wider, or of the other type, and all are float32")
  func mixed() throws {
    let (model, bfloat16, first) = try checkpoint("llama", .bfloat16)
    let (_, float16, second) = try checkpoint("llama", .float16)
    let (_, float32, third) = try checkpoint("llama", .float32)
    defer { withExtendedLifetime((first, second, third)) {} }
    #expect(model.narrowWeights(of: float32) == nil)
    /// bfloat16, but for one tensor.
    func type(_ name: String, of other: any CheckpointReader) throws -> DType? {
      let folder = try TemporaryFolder()
      let sources = try bfloat16.tensors.map {
        try TensorSource(name: $0.name, copying: $0.name, of: $0.name == name ? other : bfloat16)
      }
      try SafetensorsWriter.write(sources, to: folder.path, maximumShardSize: 1 << 30, metadata: [:])
      return try model.narrowWeights(of: Checkpoint.open(folder.path))
    }
    for name in ["lm_head.weight", "model.embed_tokens.weight", "model.layers.1.self_attn.k_proj.weight"] {
      #expect(try type(name, of: float16) == nil)
      #expect(try type(name, of: float32) == nil)
    }
    // Norms are kept in float32 whatever they are in the file.
    #expect(try type("model.norm.weight", of: float32) == .bfloat16)
    #expect(try type("model.layers.0.input_layernorm.weight", of: float16) == .bfloat16)
  }

  /// The reference models, of every family: packed, interleaved and padded heads, windows, caps and slopes.
  @Test(
    .enabled(if: Shared.isAvailable, "needs the reference files in shared/"), arguments: Golden.all)
  func goldens(golden: Golden) throws {
    let folder = try TemporaryFolder()
    let model = try golden.model()
    let device = try CPUDevice(threads: 2, blas: .plain)
    try ModelDirectory.write(
      model, store: golden.store(on: device, .float32), to: folder.path, type: .bfloat16)
    let checkpoint = try Checkpoint.open(folder.path)
    let precision = Precision(compute: .float32, moments: .float32, weights: model.narrowWeights(of: checkpoint))
    #expect(precision.weights == .bfloat16)
    func score(_ precision: Precision) throws -> [Float] {
      let store = try ParameterStore.load(model, from: checkpoint, device: device, precision: precision)
      let tokens = (0..<min(model.contextLength, 40)).map { Int32($0 * $0 % model.vocabularySize) }
      let program = try DecodeProgram(
        model, store: store, length: tokens.count, logitRows: tokens.count,
        cache: KeyValueCache(device: device, capacity: tokens.count))
      return try program.run(tokens, at: 0)
    }
    #expect(try score(precision) == score(.float32))
  }
}
