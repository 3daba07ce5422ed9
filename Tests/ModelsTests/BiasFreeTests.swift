import CPUBackend
import Checkpoints
import Files
import ModelChecks
import Models
import Programs
import TestSupport
import Testing

/// GPT-2 without biases (`"bias": false`), as nanoGPT and the paper's runs have it.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct BiasFreeTests {
  private let folder: TemporaryFolder
  private let golden: any CheckpointReader
  private let model: Model

  init() throws {
    folder = try TemporaryFolder()
    golden = try Checkpoint.open(Shared.path("goldens/formats/golden-gpt2-nobias.safetensors"))
    // The shape of that reference; every other setting is at its default.
    model = try Model(
      configuration: [
        "model_type": .string("gpt2"), "vocab_size": .integer(38), "n_positions": .integer(16), "n_embd": .integer(8),
        "n_layer": .integer(11), "n_head": .integer(2), "bias": .bool(false),
      ], source: "test")
  }

  /// A checkpoint of the reference's parameters that `isKept` accepts.
  private func checkpoint(where isKept: (String) -> Bool) throws -> any CheckpointReader {
    let tensors = try golden.tensors.map(\.name).filter { $0.hasPrefix("param.") && isKept($0) }.map {
      try TensorSource(name: String($0.dropFirst("param.".count)), copying: $0, of: golden)
    }
    try SafetensorsWriter.write(tensors, to: folder.path, maximumShardSize: 1 << 30, metadata: [:])
    return try Checkpoint.open(folder.path)
  }

  /// The logits, whether the file has zero biases or none.
  @Test(arguments: [true, false])
  func logits(hasZeroBiases: Bool) throws {
    let checkpoint = try checkpoint { hasZeroBiases || !$0.hasSuffix(".bias") }
    let store = try ParameterStore.load(model, from: checkpoint, device: CPUDevice(threads: 1))
    let rows = try golden.ids("input_ids")
    let T = rows[0].count
    let program = try DecodeProgram(
      model, store: store, length: T, logitRows: T, cache: KeyValueCache(device: store.device, capacity: T))
    let found = try rows.flatMap { try program.run($0, at: 0) }
    #expect(largestDifference(found, try golden.floats("logits")) < 1e-4)
  }

  /// What is written has the biases, as zeros, so that transformers finds every tensor; nothing else changes.
  @Test func writesZeros() throws {
    let store = try ParameterStore.load(
      model, from: checkpoint { !$0.hasSuffix(".bias") }, device: CPUDevice(threads: 1))
    try ModelDirectory.write(model, store: store, to: folder.path)
    let written = try Checkpoint.open(folder.path)
    #expect(written.tensors.count == golden.tensors.filter { $0.name.hasPrefix("param.") }.count)
    for tensor in written.tensors { #expect(try written.floats(tensor.name) == golden.floats("param." + tensor.name)) }
  }

  /// A checkpoint with real biases is refused, not silently changed.
  @Test func refusesBiases() throws {
    var configuration = try Golden(name: "gpt2").model().configuration
    configuration["bias"] = .bool(false)
    let model = try Model(configuration: configuration, source: "test")
    let error = #expect(throws: ModelError.self) {
      try ParameterStore.load(model, from: Golden(name: "gpt2").checkpoint(), device: CPUDevice(threads: 1))
    }
    #expect(try #require(error).description.contains(".bias' is not zero"))
  }
}
