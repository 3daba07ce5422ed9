import Foundation
import Testing

/// Where `inherit` reads from and what it writes over.
struct InheritTests {
  private let folder: Folder
  private let model: String

  init() throws {
    folder = try Folder()
    try folder.prepare(steps: 4)
    #expect(try Command.run("train", folder.path + "/run.yaml").status == 0)
    model = folder.path + "/model"
    #expect(try Command.run("inherit", folder.path + "/run/checkpoints/latest", model, "--layers", "2").status == 0)
  }

  private func inherit(_ arguments: String...) throws -> Command.Outcome {
    try Command.start(["inherit"] + arguments + ["--layers", "1"], in: folder.path).finish()
  }

  /// `--force` replaces a model and nothing else.
  @Test func force() throws {
    try folder.write("project/notes.txt", "mine")
    try folder.write("project/config.json", "{}")
    try folder.write("file", "mine")
    let refused = [("project", "no model directory"), ("file", "not a directory"), ("data", "no model directory")]
    for (name, reason) in refused {
      let outcome = try inherit("model", name, "--force")
      #expect(outcome.status == 1 && outcome.errors.contains(reason), "\(name): \(outcome)")
    }
    #expect(try folder.read("project/notes.txt") == "mine" && folder.read("file") == "mine")
    #expect(folder.exists("data/train.bin"))
    // The source is not replaced by a part of itself, whatever it is called.
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "model")
    for name in ["model", "./model/", "link"] {
      let outcome = try inherit("model", name, "--force")
      #expect(outcome.status == 1 && outcome.errors.contains("holds the source"), "\(name): \(outcome)")
    }
    #expect(try inherit("link", "model", "--force").status == 1)
    try FileManager.default.createDirectory(atPath: folder.path + "/empty", withIntermediateDirectories: true)
    #expect(try inherit("model", "empty", "--force").status == 0)
    #expect(try inherit("model", "empty").status == 1)
    #expect(try inherit("model", "empty", "--force").status == 0)
    #expect(try folder.names().allSatisfy { !$0.hasPrefix(".") })
  }

  @Test func defaultDestination() throws {
    for (source, name) in [
      ("model", "model-1layers"), ("data/../model/", "model-1layers"), ("./model/model.safetensors", "model-1layers"),
    ] {
      let outcome = try inherit(source)
      #expect(outcome.status == 0 && folder.exists(name + "/config.json"), "\(source): \(outcome)")
      try FileManager.default.removeItem(atPath: folder.path + "/" + name)
    }
    let here = try Command.start(["inherit", ".", "--layers", "1"], in: model).finish()
    #expect(here.status == 0 && folder.exists("model/model-1layers/config.json"), "\(here)")
  }

  /// A weights file away from its directory.
  @Test func loneFile() throws {
    try FileManager.default.createDirectory(atPath: folder.path + "/lone", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: model + "/model.safetensors", toPath: folder.path + "/lone/weights.safetensors")
    let lone = try inherit("lone/weights.safetensors")
    #expect(lone.status == 1 && lone.errors.contains("--config"), "\(lone)")
    let bare = try inherit("lone/weights.safetensors", "bare", "--config", "model/config.json")
    #expect(bare.status == 0 && bare.errors.contains("no tokenizer"), "\(bare)")
    let wrong = try inherit("lone/weights.safetensors", "x", "--config", "model/config.json", "--tokenizer", "lone")
    #expect(wrong.status == 1 && wrong.errors.contains("lone: no tokenizer here"), "\(wrong)")
    let whole = try inherit(
      "lone/weights.safetensors", "whole", "--config", "model/config.json", "--tokenizer", "tokenizer")
    #expect(whole.status == 0 && folder.exists("whole/vocab.json") && whole.errors.isEmpty, "\(whole)")
  }

  /// A signal while the source is hashed or copied: its status, and no trace of the new model.
  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func stop(signal: Int32, status: Int32) throws {
    try writeLargeModel("large")
    let running = try Command.start(["inherit", "large", "child", "--layers", "1", "--checksum"], in: folder.path)
    usleep(300_000)
    running.send(signal)
    let outcome = try running.finish()
    #expect(!outcome.wasKilled && outcome.status == status, "\(outcome)")
    #expect(try folder.names().allSatisfy { !$0.contains("child") })
  }

  /// A model of a gigabyte that takes no room: the weights are a hole in the file.
  private func writeLargeModel(_ name: String) throws {
    let rows = 1 << 24
    try folder.write(
      name + "/config.json",
      """
      {"model_type": "gpt2", "vocab_size": \(rows), "n_positions": 8, "n_embd": 16, "n_layer": 1, "n_head": 1, "bias": false}
      """)
    let block = "transformer.h.0"
    let shapes: [(String, [Int])] = [
      ("transformer.wte.weight", [rows, 16]), ("transformer.wpe.weight", [8, 16]), ("\(block).ln_1.weight", [16]),
      ("\(block).attn.c_attn.weight", [16, 48]), ("\(block).attn.c_proj.weight", [16, 16]),
      ("\(block).ln_2.weight", [16]), ("\(block).mlp.c_fc.weight", [16, 64]), ("\(block).mlp.c_proj.weight", [64, 16]),
      ("transformer.ln_f.weight", [16]),
    ]
    var end = 0
    let entries = shapes.map { name, shape in
      let start = end
      end += 4 * shape.reduce(1, *)
      return #""\#(name)": {"dtype": "F32", "shape": \#(shape), "data_offsets": [\#(start), \#(end)]}"#
    }
    let header = Data("{\(entries.joined(separator: ", "))}".utf8)
    let file = try folder.open(name + "/model.safetensors")
    try file.write(contentsOf: withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header)
    try file.truncate(atOffset: UInt64(8 + header.count + end))
    try file.close()
  }
}
