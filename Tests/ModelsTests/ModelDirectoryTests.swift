import CPUBackend
import Checkpoints
import Files
import Foundation
import ModelChecks
import Models
import Programs
import TestSupport
import Testing

@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct ModelDirectoryTests {
  /// What transformers wrote, loaded and saved, is the same file.
  @Test(arguments: Golden.all)
  func roundTrip(golden: Golden) throws {
    let folder = try TemporaryFolder()
    let model = try golden.model()
    let store = try golden.store(on: CPUDevice(threads: 1), .float32)
    try ModelDirectory.write(model, store: store, to: folder.path)
    let written = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/model.safetensors"))
    let original = try Data(contentsOf: URL(fileURLWithPath: golden.directory + "/model.safetensors"))
    #expect(written == original)
    #expect(try Model.load(directory: folder.path).configuration == model.configuration)
  }

  /// Small shards, an index, and the same weights again.
  @Test func shards() throws {
    let golden = Golden(name: "llama")
    let folder = try TemporaryFolder()
    let model = try golden.model()
    let store = try golden.store(on: CPUDevice(threads: 1), .float32)
    try ModelDirectory.write(model, store: store, to: folder.path, maximumShardSize: 50_000)
    #expect(FileManager.default.fileExists(atPath: folder.path + "/model.safetensors.index.json"))
    let sharded = try Checkpoint.open(folder.path)
    #expect(sharded.files.count > 2)
    for tensor in try golden.checkpoint().tensors {
      #expect(try sharded.floats(tensor.name) == golden.checkpoint().floats(tensor.name))
    }
  }

  /// A bfloat16 copy says so in its config.json, and loads with rounded weights.
  @Test(arguments: [ElementType.bfloat16, .float16])
  func halfPrecision(type: ElementType) throws {
    let golden = Golden(name: "gpt2")
    let folder = try TemporaryFolder()
    let store = try golden.store(on: CPUDevice(threads: 1), .float32)
    try ModelDirectory.write(golden.model(), store: store, to: folder.path, type: type)
    let model = try Model.load(directory: folder.path)
    #expect(model.configuration["dtype"]?.string == (type == .bfloat16 ? "bfloat16" : "float16"))
    let reloaded = try ParameterStore.load(model, from: Checkpoint.open(folder.path), device: CPUDevice(threads: 1))
    let name = "transformer.wte.weight"
    let a = try #require(store.weight(name))
    let b = try #require(reloaded.weight(name))
    let limit: Float = type == .bfloat16 ? 1.0 / 256 : 1.0 / 2048
    for index in 0..<a.count {
      let (x, y) = (a.address.floats[index], b.address.floats[index])
      #expect(abs(x - y) <= limit * abs(x) + 1e-7)
    }
  }
}
