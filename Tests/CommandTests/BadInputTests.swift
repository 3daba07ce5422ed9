import Foundation
import Testing

/// One clear line for everything that can be wrong, status 64 for usage and 1 for the rest, and nothing lost.
struct BadInputTests {
  private func expect(
    _ outcome: Command.Outcome, _ status: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == status && !outcome.wasKilled, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.errors.contains("error: "), "\(outcome)", sourceLocation: sourceLocation)
    for word in words {
      #expect(outcome.errors.contains(word), "'\(word)' in: \(outcome.errors)", sourceLocation: sourceLocation)
    }
    if status == 1 {
      let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
    }
  }

  @Test func usage() throws {
    expect(try Command.run("fly"), 64, "fly")
    expect(try Command.run("inherit", "x"), 64, "--layers")
    expect(try Command.run("inherit", "x", "--layers", "2", "--parts", "attention,toes"), 64, "toes", "mlp")
    expect(try Command.run("generate", "x", "--prompt", "a", "--temperature", "-1"), 64, "--temperature")
    expect(try Command.run("eval", "x"), 64, "--tasks")
    expect(try Command.run("eval", "x", "--tasks", "piqa"), 64, "--data")
    // With --text these would be left aside without a word.
    expect(try Command.run("eval", "x", "--text", "y", "--output", "z"), 64, "--output")
    expect(try Command.run("eval", "x", "--text", "y", "--bootstrap-iters", "10"), 64, "--bootstrap-iters")
    expect(try Command.run("eval", "x", "--tokens", "y", "--fewshot-seed", "1"), 64, "--fewshot-seed")
    expect(try Command.run("eval", "x", "--tokens", "y", "--bos", "yes"), 64, "--bos")
    expect(try Command.run("eval", "x", "--tokens", "y", "--batch-size", "1"), 64, "--batch-size")
    expect(try Command.run("eval", "x", "--tasks", "piqa", "--data", "y", "--output", ""), 64, "--output: expected")
    expect(
      try Command.run("eval", "x", "--tasks", "piqa", "--data", "y", "--bootstrap-iters", "\(Int.max)"), 64,
      "--bootstrap-iters")
    expect(try Command.run("eval", "x", "--tasks", "piqa", "--data", "y", "--limit", "0"), 64, "--limit")
    expect(try Command.run("inherit", "x", "--layers", "2", "--parts", ""), 64, "--parts")
    expect(try Command.run("plan", "x", "--threads", "0"), 64, "--threads")
    #expect(try Command.run("--help").status == 0)
    #expect(try Command.run("train", "--help").output.contains("inheritune train configs/"))
    #expect(try Command.run("--version").status == 0)
  }

  @Test func missing() throws {
    let folder = try Folder()
    let nowhere = folder.path + "/nowhere"
    expect(try Command.run("inherit", nowhere, "--layers", "1"), 1, "nowhere")
    expect(
      try Command.run("inherit", "some-org/some-model", "--layers", "1", environment: ["HF_HUB_CACHE": folder.path]), 1,
      "hf download some-org/some-model")
    expect(try Command.run("train", nowhere), 1, "nowhere")
    expect(try Command.run("inspect", folder.path), 1, folder.path)
    expect(
      try Command.run("prepare", nowhere, "--tokenizer", nowhere, "--output", folder.path + "/out"), 1, "nowhere")
    #expect(try folder.names().isEmpty)
  }

  @Test func recipes() throws {
    let folder = try Folder()
    try folder.prepare()
    let recipe = folder.path + "/run.yaml"
    func train(_ setting: String) throws -> Command.Outcome { try Command.run("train", recipe, "--set", setting) }
    expect(try train("schedule.lerning_rate=1"), 1, "lerning_rate", "learning_rate")
    expect(try train("training.seed=many"), 1, "training.seed")
    expect(try train("data.sequence_length=64"), 1, "sequence_length", "32")
    expect(try train("data.train=\(folder.path)/none"), 1, "none")
    expect(try train("training.micro_batch_size=3"), 1, "micro_batch_size")
    expect(try train("optimizer.groups=[{pattern: nothing.*, frozen: true}]"), 1, "nothing.*")
    // A vocabulary smaller than the data's ids.
    expect(try train("model.config.vocab_size=100"), 1, "vocabulary of 100")
    try folder.write("broken.yaml", "model: {from: [")
    expect(try Command.run("train", folder.path + "/broken.yaml"), 1, "broken.yaml")
    #expect(!folder.exists("run/checkpoints"))
  }

  @Test func data() throws {
    let folder = try Folder()
    try folder.prepare()
    try folder.write("empty.txt", "")
    func prepare(_ input: String, _ output: String = "out") throws -> Command.Outcome {
      try Command.run(
        "prepare", folder.path + "/" + input, "--tokenizer", folder.path + "/tokenizer", "--output",
        folder.path + "/" + output)
    }
    expect(try prepare("empty.txt"), 1, "nothing to prepare")
    try folder.write("bad.jsonl", "{\"text\": \"fine\"}\n{\"text\": \n")
    expect(try prepare("bad.jsonl"), 1, "bad.jsonl:2")
    expect(try prepare("text.jsonl", "data"), 1, "exists already", "--force")
    try folder.write("cut.txt.gz", "\u{1f}not gzip")
    expect(try prepare("cut.txt.gz", "out2"), 1, "cut.txt.gz")
    // Token files that are cut or empty.
    let recipe = folder.path + "/run.yaml"
    try folder.write("cut.bin", "abc")
    expect(try Command.run("train", recipe, "--set", "data.train=\(folder.path)/cut.bin"), 1, "cut.bin", "3 bytes")
    try folder.write("none.bin", "")
    expect(try Command.run("train", recipe, "--set", "data.train=\(folder.path)/none.bin"), 1, "none.bin")
    try folder.write("short.bin", "ab")
    expect(try Command.run("train", recipe, "--set", "data.train=\(folder.path)/short.bin"), 1, "short.bin")
  }

  @Test func checkpoints() throws {
    let folder = try Folder()
    try folder.prepare(steps: 4)
    #expect(try Command.run("train", folder.path + "/run.yaml").status == 0)
    let model = folder.path + "/run/checkpoints/latest"
    // Cut in the middle of the weights, and in the middle of the header.
    let weights = try Data(contentsOf: URL(fileURLWithPath: model + "/model.safetensors"))
    for (name, count) in [("weights", weights.count / 2), ("header", 100), ("nothing", 0)] {
      let directory = folder.path + "/" + name
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: model + "/config.json", toPath: directory + "/config.json")
      try weights.prefix(count).write(to: URL(fileURLWithPath: directory + "/model.safetensors"))
      expect(
        try Command.run("inherit", directory, folder.path + "/child", "--layers", "1"), 1, "\(name)/model.safetensors")
    }
    expect(try Command.run("inherit", model, folder.path + "/child", "--layers", "3"), 1, "layers '3'", "2 blocks")
    expect(try Command.run("inherit", model, folder.path + "/child", "--layers", "0,7"), 1, "block 7")
    #expect(!folder.exists("child"))
    expect(try Command.run("inherit", model, folder.path + "/data", "--layers", "1"), 1, "exists already")
    #expect(folder.exists("data/train.bin"))
  }

  /// A disk that is full: one error, and what was there is still there.
  @Test(.enabled(if: TinyDisk.isPossible, "needs the right to mount a tmpfs"))
  func fullDisk() throws {
    let folder = try Folder()
    try folder.prepare(steps: 4)
    #expect(try Command.run("train", folder.path + "/run.yaml").status == 0)
    let disk = try TinyDisk(bytes: 64 << 10)
    let model = folder.path + "/run/checkpoints/latest"
    expect(
      try Command.run("inherit", model, disk.path + "/child", "--layers", "2", "--dtype", "float32"), 1, "no space")
    expect(
      try Command.run("train", folder.path + "/run.yaml", "--set", "output.directory=\(disk.path)/run"), 1, "no space")
    try folder.writeText("large.jsonl", documents: 5000)
    expect(
      try Command.run(
        "prepare", folder.path + "/large.jsonl", "--tokenizer", folder.path + "/tokenizer", "--output",
        disk.path + "/data"), 1, "data/train.bin.partial")
    for path in ["/child", "/run/checkpoints/latest", "/data/dataset.json", "/data/train.bin"] {
      #expect(!FileManager.default.fileExists(atPath: disk.path + path), "\(path)")
    }
  }
}

/// A file system of a few kilobytes.
final class TinyDisk {
  let path: String
  private let folder: Folder

  /// Tried once.
  static let isPossible: Bool = {
    do { _ = try TinyDisk(bytes: 1 << 16) } catch { return false }
    return true
  }()

  init(bytes: Int) throws {
    folder = try Folder()
    path = folder.path + "/disk"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else { throw CocoaError(.fileWriteNoPermission) }
  }

  deinit { umount(path) }
}
