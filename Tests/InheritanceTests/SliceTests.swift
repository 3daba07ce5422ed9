import CPUBackend
import Checkpoints
import Files
import Foundation
import Glibc
import HDF5
import Models
import Programs
import TestSupport
import Testing

@testable import Inheritance

/// Slices of the reference models, checked by what they compute and by their bytes.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct SliceTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  static let canWriteHDF5: Bool = {
    do throws(HDF5Library.NotFound) { _ = try HDF5Library.load() } catch { return false }
    return true
  }()

  static let models = [
    "gpt2", "gpt2-inheritune", "gpt_neox", "gpt_neox-serial", "gemma", "gemma2", "llama", "llama-gqa", "llama-hd100",
    "llama-rope3", "mistral", "mpt", "mpt-heads3", "opt", "qwen2", "qwen3",
  ]

  private func source(_ name: String) throws -> ModelSource { try ModelSource(Shared.path("goldens/models/\(name)")) }

  private func inherit(
    _ source: ModelSource, _ layers: String, to name: String = "child",
    _ change: (inout SliceOptions) -> Void = { _ in }
  ) throws -> ModelSource {
    var options = SliceOptions(layers: try LayerPlan(layers, layerCount: source.model.layerCount))
    change(&options)
    let destination = folder.path + "/" + name
    try Slice(source, options: options).write(to: destination, replacing: false, version: "test")
    return try ModelSource(destination)
  }

  /// Mean loss of the golden batch.
  private func loss(_ source: ModelSource, ids: [[Int32]]) throws -> Double {
    let device = try CPUDevice(threads: 1)
    let store = try ParameterStore.load(source.model, from: source.checkpoint, device: device)
    let program = try LossProgram(source.model, store: store, rows: ids.count, length: ids[0].count)
    ids.flatMap { $0 }.withUnsafeBytes { device.upload($0, to: program.tokens) }
    ids.flatMap { $0.dropFirst() + [-1] }.withUnsafeBytes { device.upload($0, to: program.targets) }
    try program.run()
    return try program.readLosses().reduce(0) { $0 + Double($1) } / Double(ids.count * (ids[0].count - 1))
  }

  private func ids(_ name: String) throws -> [[Int32]] {
    let tensors = try Checkpoint.open(Shared.path("goldens/models/\(name)/golden.safetensors"))
    let length = try #require(tensors.description(of: "input_ids")?.shape.last)
    let all = try tensors.bytes(of: "input_ids").withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map { Int32(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
    }
    return stride(from: 0, to: all.count, by: length).map { Array(all[$0..<$0 + length]) }
  }

  /// The losses of the first k blocks, for every k, as transformers has them.
  @Test(arguments: models)
  func firstBlocks(name: String) throws {
    let source = try source(name)
    let golden = try JSON(contentsOf: Shared.path("goldens/models/\(name)/golden.json"))
    let losses = try #require(golden["loss_of_first_k_blocks"]?.array).compactMap(\.double)
    #expect(losses.count == source.model.layerCount)
    for (index, expected) in losses.enumerated() {
      let child = try inherit(source, "\(index + 1)", to: "\(index + 1)")
      #expect(child.model.layerCount == index + 1)
      #expect(abs(try loss(child, ids: ids(name)) - expected) < 1e-5)
    }
  }

  /// The trained TinyStories model: mean NLL of a story with its first 1…5 blocks, from llama2.c's weights.
  @Test func trainedModel() throws {
    let reference = try #require(
      JSON(contentsOf: Shared.path("goldens/llama2c-models.json"))["stories260K"])
    let story = try #require(reference["story_ids"]?.array).map { Int32(try #require($0.integer)) }
    let source = try ModelSource(Shared.path("data/weights/stories260K-hf"))
    for (layers, expected) in [(1, 14.863738), (2, 7.749577), (3, 4.078221), (4, 2.367207), (5, 1.315989)] {
      let child = try inherit(source, "\(layers)", to: "\(layers)")
      #expect(abs(try loss(child, ids: [story]) - expected) < 1e-4)
    }
  }

  /// Every tensor is the source's, byte for byte, under the name of its new place.
  @Test func bytesAreTheSources() throws {
    let source = try source("llama")
    let child = try inherit(source, "2,0")
    for tensor in child.checkpoint.tensors {
      let origin = tensor.name
        .replacing("layers.0.", with: "layers.X.").replacing("layers.1.", with: "layers.0.")
        .replacing("layers.X.", with: "layers.2.")
      #expect(try child.checkpoint.bytes(of: tensor.name) == source.checkpoint.bytes(of: origin))
    }
    #expect(child.model.configuration["num_hidden_layers"] == .integer(2))
    // Nothing else in config.json changes.
    var configuration = child.model.configuration
    configuration["num_hidden_layers"] = .integer(3)
    #expect(configuration == source.model.configuration)
  }

  /// A block that moves in a model with `scale_attn_by_inverse_layer_idx` computes what it did: all blocks in place of
  /// themselves and shifted by a copy differ only in the shifted blocks' scale, which the queries carry.
  @Test func movedBlocksKeepTheirScale() throws {
    let source = try source("gpt2-inheritune")
    let child = try inherit(source, "0,2")
    let entry = "transformer.h.1.attn.c_attn.weight"
    let origin = "transformer.h.2.attn.c_attn.weight"
    let C = source.model.width
    let moved = try floats(child.checkpoint, entry)
    let before = try floats(source.checkpoint, origin)
    for index in moved.indices {
      // Scores are divided by 2 instead of 3, so queries are 2/3 of what they were.
      let factor: Float = index % (3 * C) < C ? Float(2) / 3 : 1
      #expect(moved[index] == before[index] * factor)
    }
  }

  private func floats(_ checkpoint: any CheckpointReader, _ name: String) throws -> [Float] {
    var values = [Float](repeating: 0, count: try #require(checkpoint.description(of: name)).elementCount)
    try values.withUnsafeMutableBufferPointer { try checkpoint.read(name, into: $0) }
    return values
  }

  @Test func partsAreInitialisedFromTheSeed() throws {
    let source = try source("llama")
    let first = try inherit(source, "2", to: "a") { $0.parts = [.attention, .norms] }
    let second = try inherit(source, "2", to: "b") { $0.parts = [.attention, .norms] }
    let other = try inherit(source, "2", to: "c") {
      $0.parts = [.attention, .norms]
      $0.seed = 1
    }
    for tensor in first.checkpoint.tensors {
      let isInherited = tensor.name.contains("self_attn") || tensor.name.contains("layernorm")
      let bytes = try first.checkpoint.bytes(of: tensor.name)
      let original = try source.checkpoint.bytes(of: tensor.name)
      #expect((bytes == original) == isInherited, "\(tensor.name)")
      #expect(try bytes == second.checkpoint.bytes(of: tensor.name))
      if !isInherited, tensor.name != "model.norm.weight" {
        #expect(try bytes != other.checkpoint.bytes(of: tensor.name))
      }
    }
    #expect(try floats(first.checkpoint, "model.norm.weight").allSatisfy { $0 == 1 })
  }

  /// What the paper's published code copied, by family: names of what is left.
  @Test(arguments: [
    ("gpt2", ["transformer.wpe.weight", "transformer.ln_f.weight", "transformer.ln_f.bias"]),
    ("llama", ["model.embed_tokens.weight", "model.norm.weight"]),
  ])
  func publishedParts(name: String, fresh: [String]) throws {
    let source = try source(name)
    var options = SliceOptions(layers: try LayerPlan("2", layerCount: source.model.layerCount))
    options.parts = ModelPart.published
    let slice = try Slice(source, options: options)
    #expect(Set(slice.tensors.filter { $0.source == nil }.map(\.name)) == Set(fresh))
  }

  /// The same bits in another format, with the configuration in the file as well as beside it.
  @Test(.enabled(if: canWriteHDF5, "needs libhdf5"), arguments: [ElementType.float32, .bfloat16, .float16])
  func hdf5(type: ElementType) throws {
    let source = try source("gpt2")
    let plain = try inherit(source, "2", to: "plain") { $0.type = type }
    let child = try inherit(source, "2") {
      $0.type = type
      $0.format = .hdf5
    }
    #expect(child.checkpoint.files == [folder.path + "/child/model.h5"])
    #expect(child.checkpoint.settings["config"]?.object == plain.model.configuration)
    #expect(Set(child.checkpoint.tensors.map(\.name)) == Set(plain.checkpoint.tensors.map(\.name)))
    for tensor in plain.checkpoint.tensors {
      #expect(child.checkpoint.description(of: tensor.name) == tensor)
      #expect(try child.checkpoint.bytes(of: tensor.name) == plain.checkpoint.bytes(of: tensor.name))
    }
  }

  /// Somebody writes to the source, or puts another file in its place, while it is being sliced.
  @Test(arguments: [true, false])
  func changedSource(isReplaced: Bool) throws {
    let copy = folder.path + "/source"
    try FileManager.default.copyItem(atPath: Shared.path("goldens/models/llama"), toPath: copy)
    let weights = URL(fileURLWithPath: copy + "/model.safetensors")
    let source = try ModelSource(copy)
    let slice = try Slice(source, options: SliceOptions(layers: try LayerPlan("2", layerCount: 3)))
    var isFirst = true
    let error = #expect(throws: FileError.self) {
      try slice.write(to: folder.path + "/child", replacing: false, version: "test") { _, _ in
        guard isFirst else { return }
        isFirst = false
        let bytes = try Data(contentsOf: weights)
        if isReplaced {
          try bytes.write(to: weights, options: .atomic)
        } else {
          let file = try FileHandle(forWritingTo: weights)
          try file.seek(toOffset: UInt64(bytes.count - 4))
          try file.write(contentsOf: Data([1, 2, 3, 4]))
          try file.close()
        }
      }
    }
    #expect(error == .changed(path: weights.path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
  }

  /// The source is cut while it is being read: an error, and not the end of the process.
  @Test func truncatedSource() throws {
    let copy = folder.path + "/source"
    try FileManager.default.copyItem(atPath: Shared.path("goldens/models/llama"), toPath: copy)
    let source = try ModelSource(copy)
    var options = SliceOptions(layers: try LayerPlan("2", layerCount: 3))
    options.type = .bfloat16
    let slice = try Slice(source, options: options)
    #expect(truncate(copy + "/model.safetensors", 4000) == 0)
    #expect(throws: (any Error).self) {
      try slice.write(to: folder.path + "/child", replacing: false, version: "test")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
  }

  @Test(arguments: [ElementType.bfloat16, .float16])
  func types(type: ElementType) throws {
    let source = try source("gpt2")
    let child = try inherit(source, "3") { $0.type = type }
    #expect(child.checkpoint.tensors.allSatisfy { $0.type == type })
    #expect(abs(try loss(child, ids: ids("gpt2")) - loss(source, ids: ids("gpt2"))) < 0.05)
    #expect(child.model.configuration["dtype"]?.string == type.torchName)
  }

  @Test func shardsAndProvenance() throws {
    let source = try ModelSource(Shared.path("data/weights/stories260K-hf"))
    let child = try inherit(source, "3") {
      $0.maximumShardSize = 200_000
      $0.hashesContents = true
    }
    #expect(child.checkpoint.files.count > 2)
    #expect(child.tokenizerDirectory != nil)
    let provenance = try JSON(contentsOf: folder.path + "/child/inheritune.json")
    #expect(provenance["source"]?["inherited_layers"] == .array([.integer(0), .integer(1), .integer(2)]))
    let file = try #require(provenance["source"]?["files"]?.array?.first)
    #expect(file["sha256"]?.string?.count == 64)
    #expect(file["header_sha256"]?.string?.count == 64)
    let hidden = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix(".") }
    #expect(hidden.isEmpty)
  }

  /// A destination that exists is left alone; a failure leaves nothing.
  @Test func nothingIsOverwritten() throws {
    let source = try source("gpt2")
    _ = try inherit(source, "1")
    let before = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/child/model.safetensors"))
    #expect(throws: FileError.self) { try inherit(source, "2") }
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/child/model.safetensors")) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["child"])
  }

  /// Weights with more or fewer blocks than config.json says: one error that names the tensors.
  @Test func misfits() throws {
    for layers in [2, 4] {
      let directory = folder.path + "/\(layers)"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: Shared.path("goldens/models/llama/model.safetensors"), toPath: directory + "/model.safetensors")
      var configuration = try source("llama").model.configuration
      configuration["num_hidden_layers"] = .integer(Int64(layers))
      try AtomicFile.write(directory + "/config.json") { try $0.write(JSON.object(configuration).serialized()) }
      let source = try ModelSource(directory)
      let options = SliceOptions(layers: try LayerPlan("1", layerCount: layers))
      let error = #expect(throws: ModelError.self) { try Slice(source, options: options) }
      #expect(try #require(error).description.contains(layers == 2 ? "layers.2" : "layers.3"))
    }
  }
}

extension CheckpointReader {
  func bytes(of name: String) throws -> [UInt8] {
    guard let tensor = description(of: name) else { throw CheckpointError.missingTensor(path: path, tensor: name) }
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    try bytes.withUnsafeMutableBytes { try contents(of: name).copy(0..<tensor.elementCount, into: $0) }
    return bytes
  }
}
