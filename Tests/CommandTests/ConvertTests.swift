import Foundation
import Testing

/// `convert`, and what `inspect` says of its results.
struct ConvertTests {
  private let folder: Folder
  private let model: String

  init() throws {
    folder = try Folder()
    try folder.prepare(steps: 4)
    #expect(try Command.run("train", folder.path + "/run.yaml").status == 0)
    model = folder.path + "/model"
    #expect(try Command.run("inherit", folder.path + "/run/checkpoints/latest", model, "--layers", "2").status == 0)
  }

  private func convert(_ arguments: String...) throws -> Command.Outcome {
    try Command.start(["convert"] + arguments, in: folder.path).finish()
  }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
  }

  private func inspect(_ path: String) throws -> [String: Any] {
    let outcome = try Command.start(["inspect", path, "--json"], in: folder.path).finish()
    #expect(outcome.status == 0, "\(outcome)")
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  /// The same weights, whole, in shards, and whole again.
  @Test func shardsAndBack() throws {
    let shards = try convert("model", "shards", "--max-shard-size", "10kB")
    #expect(shards.status == 0 && shards.errors.isEmpty, "\(shards)")
    #expect(shards.output.hasPrefix("model       gpt2, 2 blocks, 11,216 parameters"), "\(shards)")
    #expect(folder.exists("shards/model.safetensors.index.json") && folder.exists("shards/vocab.json"))
    #expect(try convert("shards/model.safetensors.index.json", "whole").status == 0)
    #expect(try bytes("whole/model.safetensors") == bytes("model/model.safetensors"))
    #expect(try bytes("whole/config.json") == bytes("model/config.json"))
  }

  /// HDF5 and back; the file carries its own configuration.
  @Test func hdf5AndBack() throws {
    let outcome = try convert("model", "h5", "--format", "hdf5")
    if outcome.errors.contains("libhdf5 cannot be used") { try Test.cancel("needs libhdf5") }
    #expect(outcome.status == 0, "\(outcome)")
    let inspected = try inspect("h5")
    #expect(inspected["format"] as? String == "HDF5" && inspected["parameters"] as? Int == 11_216)
    #expect((inspected["model"] as? [String: Any])?["layers"] as? Int == 2)
    #expect(try convert("h5", "whole").status == 0)
    #expect(try bytes("whole/model.safetensors") == bytes("model/model.safetensors"))
    try FileManager.default.createDirectory(atPath: folder.path + "/lone", withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: folder.path + "/h5/model.h5", toPath: folder.path + "/lone/weights.h5")
    let lone = try convert("lone/weights.h5", "again")
    #expect(lone.status == 0 && lone.errors.contains("no tokenizer"), "\(lone)")
    #expect(try bytes("again/model.safetensors") == bytes("model/model.safetensors"))
  }

  @Test func otherTypes() throws {
    let outcome = try convert("model", "half", "--dtype", "bfloat16", "--json")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(object["parameters"] as? Int == 11_216 && object["bytes"] as? Int == 22_432 && object["dialect"] is NSNull)
    let tensors = try #require(try inspect("half")["tensors"] as? [[String: Any]])
    #expect(tensors.allSatisfy { $0["dtype"] as? String == "BF16" })
    #expect(try folder.read("half/config.json").contains("\"torch_dtype\": \"bfloat16\""))
  }

  @Test func destinations() throws {
    #expect(try convert("model", "copy").status == 0)
    let again = try convert("model", "copy")
    #expect(again.status == 1 && again.errors.contains("--force"), "\(again)")
    #expect(try convert("model", "copy", "--force").status == 0)
    let own = try convert("model", "model", "--force")
    #expect(own.status == 1 && own.errors.contains("holds the source"), "\(own)")
    #expect(try convert("model").status == 64)
  }

  /// What a checkpoint is, and why it is no model where it is none.
  @Test func inspected() throws {
    let outcome = try Command.start(["inspect", "model"], in: folder.path).finish()
    let lines = outcome.output.split(separator: "\n").suffix(3)
    #expect(
      lines == [
        "format      safetensors", "names       Hugging Face", "model       gpt2, 2 blocks, 11,216 parameters (11,216)",
      ])
    try FileManager.default.createDirectory(atPath: folder.path + "/lone", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: model + "/model.safetensors", toPath: folder.path + "/lone/a.safetensors")
    let lone = try Command.start(["inspect", "lone/a.safetensors"], in: folder.path).finish()
    #expect(
      lone.status == 0 && lone.output.contains("model       not known: lone/a.safetensors: no config.json"), "\(lone)")
  }
}
