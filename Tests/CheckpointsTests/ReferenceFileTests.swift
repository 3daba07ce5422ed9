import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Files of other programs: safetensors' own library, and damaged ones.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct ReferenceFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let values: JSON
    var testDescription: String { name }
    func text(_ key: String) -> String { values[key]?.string ?? "" }
  }

  private static func cases(_ manifest: String, where isWanted: (Case) -> Bool) -> [Case] {
    guard Shared.isAvailable else { return [] }
    do {
      let file = try MappedFile(Shared.path(manifest))
      let cases = try JSON(parsing: file.bytes).array ?? []
      return cases.map { Case(name: $0["dir"]?.string ?? "", values: $0) }.filter(isWanted)
    } catch {
      Issue.record("\(error)")
      return []
    }
  }

  // MARK: - Damaged files

  static let hostile = cases("goldens/hostile/manifest.json") { ["safetensors", "index"].contains($0.text("kind")) }

  /// Valid files which only a model can refuse: they hold other tensors than its configuration asks for.
  private static let leftToTheModel: Set = ["st-dtype-int", "st-shape-other", "st-name-missing"]

  @Test func thereAreCases() {
    #expect(Self.hostile.count == 61)
    #expect(Self.formats.count == 19)
  }

  @Test(arguments: hostile)
  func hostileFile(_ test: Case) throws {
    let directory = Shared.path("goldens/hostile/\(test.name)")
    let found = message { () throws -> Void in
      let checkpoint = try Checkpoint.open(directory)
      for tensor in checkpoint.tensors { _ = try checkpoint.bytes(of: tensor.name) }
    }
    if test.text("expected") == "ok" || Self.leftToTheModel.contains(test.name) {
      #expect(found == "no error")
    } else if test.text("expected") == "error" {
      #expect(found.hasPrefix(directory), "\(found)")
      #expect(!found.contains("\n") && found.count < 600, "\(found)")
    }
  }

  // MARK: - The same model in every form

  static let formats = cases("goldens/formats/manifest.json") { $0.name.contains("safetensors") }

  @Test(arguments: formats)
  func parametersAreBitEqual(_ test: Case) throws {
    let checkpoint = try Checkpoint.open(Shared.path("goldens/formats/\(test.name)"))
    let golden = try Checkpoint.open(Shared.path("goldens/formats/\(test.text("golden_file"))"))
    let stored: ElementType = ["bf16": .bfloat16, "fp16": .float16][test.text("dtype")] ?? .float32
    var compared = 0
    for parameter in golden.tensors where parameter.name.hasPrefix("param.") {
      let name = String(parameter.name.dropFirst("param.".count))
      // The hub's gpt2 has no prefix.
      let names = [name, name.hasPrefix("transformer.") ? String(name.dropFirst("transformer.".count)) : name]
      guard let found = names.lazy.compactMap({ checkpoint.description(of: $0) }).first else {
        Issue.record("\(name) is missing")
        continue
      }
      #expect(found.shape == parameter.shape)
      let expected = stored.floats(of: stored.bytes(of: try golden.floats(parameter.name)))
      #expect(try checkpoint.floats(found.name).map(\.bitPattern) == expected.map(\.bitPattern), "\(name)")
      compared += 1
    }
    #expect(compared > 10)
  }

  // MARK: - Written again

  static let written: [String] = {
    guard Shared.isAvailable else { return [] }
    do {
      let models = try FileTree.names(in: Shared.path("goldens/models")).map { "goldens/models/\($0)" }
      return (models + formats.map { "goldens/formats/\($0.name)" }).filter {
        FileTree.exists(Shared.path($0) + "/model.safetensors")
      }
    } catch {
      Issue.record("\(error)")
      return []
    }
  }()

  @Test(arguments: written)
  func writtenAgainItIsTheSameFile(_ directory: String) throws {
    let source = try Checkpoint.open(Shared.path(directory + "/model.safetensors"))
    let output = try TemporaryDirectory()
    try SafetensorsWriter.write(
      source.tensors.map { try TensorSource(name: $0.name, copying: $0.name, of: source) }, to: output.path,
      maximumShardSize: .max, metadata: source.metadata)
    #expect(try output.read("model.safetensors") == contents(source.path))
  }

  @Test func shardsWrittenAgainAreTheSameFiles() throws {
    for name in ["gpt2-safetensors-sharded", "llama-safetensors-sharded"] {
      let directory = Shared.path("goldens/formats/\(name)")
      let source = try Checkpoint.open(directory)
      let output = try TemporaryDirectory()
      // The reference was split at other places; one shard at a time is copied.
      for file in source.files.dropFirst() {
        let shard = try Checkpoint.open(file)
        try SafetensorsWriter.write(
          shard.tensors.map { try TensorSource(name: $0.name, copying: $0.name, of: source) }, to: output.path,
          maximumShardSize: .max, metadata: shard.metadata)
        #expect(try output.read("model.safetensors") == contents(file))
      }
    }
  }
}
