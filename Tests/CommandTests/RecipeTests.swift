import Foundation
import Testing

/// The whole recipe through the command line, on made-up data.
struct RecipeTests {
  @Test func inheritTrainEval() throws {
    let folder = try Folder()
    try folder.prepare()
    let train = try Command.run("train", folder.path + "/run.yaml", "--threads", "1")
    #expect(train.status == 0, "\(train.errors)")
    #expect(try folder.names("run/checkpoints") == ["latest", "step-00000010", "step-00000012"])
    let metrics = try folder.read("run/metrics.jsonl").split(separator: "\n")
    #expect(metrics.filter { $0.contains("\"loss\"") }.count == 12)
    #expect(metrics.contains { $0.contains("\"validation_loss\"") })

    let latest = folder.path + "/run/checkpoints/latest"
    let child = folder.path + "/child"
    let inherit = try Command.run("inherit", latest, child, "--layers", "1")
    #expect(inherit.status == 0, "\(inherit.errors)")
    // 2 blocks of 12·16² + 13·16 and the rest, then 1.
    #expect(inherit.output.contains("11,216 -> 7,936"), "\(inherit.output)")
    #expect(
      try folder.names("child")
        == ["config.json", "inheritune.json", "merges.txt", "model.safetensors", "tokenizer_config.json", "vocab.json"])

    // The child trains from its own weights, and is better afterwards.
    let before = try loss(child, data: folder.path + "/data")
    try folder.writeRecipe(
      "child.yaml", steps: 30, checkpointEvery: 30)
    let trained = try Command.run(
      "train", folder.path + "/child.yaml", "--set", "model.from=\(latest)", "--set", "model.layers=1", "--set",
      "output.directory=\(folder.path)/child-run", "--set", "schedule.learning_rate=1e-2")
    #expect(trained.status == 0, "\(trained.errors)")
    let after = try loss(folder.path + "/child-run/checkpoints/latest", data: folder.path + "/data")
    #expect(after < before - 0.5)

    let inspect = try Command.run("inspect", child)
    #expect(inspect.output.contains("transformer.h.0.attn.c_attn.weight") && !inspect.output.contains("h.1."))
    let text = try Command.run("eval", child, "--text", folder.path + "/text.jsonl")
    #expect(text.status == 0 && text.output.contains("bits/byte"), "\(text.errors)")
    let story = try Command.run(
      "generate", folder.path + "/child-run/checkpoints/latest", "--prompt", "The cat", "--max-tokens", "5",
      "--temperature", "0")
    #expect(story.status == 0 && story.output.hasPrefix("The cat"), "\(story.errors)")
  }

  private func loss(_ model: String, data: String) throws -> Double {
    let outcome = try Command.run("eval", model, "--tokens", data, "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return try #require(object?["loss"] as? Double)
  }

  @Test func tasksAndSamples() throws {
    let folder = try Folder()
    try folder.prepare()
    try Command.run("train", folder.path + "/run.yaml")
    let rows = (0..<4).map {
      #"{"goal": "Sleep \#($0)", "sol1": "in the barn", "sol2": "on the roof", "label": \#($0 % 2)}"#
    }
    try folder.write("rows/piqa/validation.jsonl", rows.joined(separator: "\n"))
    let model = folder.path + "/run/checkpoints/latest"
    func evaluate(_ extra: String...) throws -> Command.Outcome {
      try Command.start(
        ["eval", model, "--tasks", "piqa", "--data", folder.path + "/rows", "--output", folder.path + "/results"]
          + extra
      ).finish()
    }
    let first = try evaluate("--log-samples")
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("|piqa |"), "\(first.output)")
    #expect(
      try folder.names("results") == ["documents.jsonl", "results.json", "samples_piqa.jsonl", "table.md"])
    let again = try evaluate()
    #expect(again.status == 1 && again.errors.contains("--force"))
    #expect(try evaluate("--force", "--batch-size", "1").status == 0)
    // The samples of the first evaluation are not those of the second.
    #expect(try folder.names("results") == ["results.json", "table.md"])
  }

  @Test func plansAndDoctor() throws {
    let folder = try Folder()
    try folder.writeTokenizer()
    try folder.writeRecipe()
    let plan = try Command.run("plan", folder.path + "/run.yaml")
    #expect(plan.status == 0 && plan.output.contains("11,216"), "\(plan.errors)\(plan.output)")
    let dry = try Command.run("train", folder.path + "/run.yaml", "--dry-run")
    #expect(dry.status == 0 && !folder.exists("run"), "\(dry.errors)")
    let doctor = try Command.run("doctor")
    #expect(doctor.status == 0 && doctor.output.contains("blas"), "\(doctor.errors)")
  }

  /// Every published recipe can be planned without its weights.
  @Test func configurations() throws {
    let own = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    let directory = own.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("configs").path
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
    #expect(names.count >= 6)
    for name in names {
      let plan = try Command.run("plan", directory + "/" + name)
      #expect(plan.status == 0, "\(name): \(plan.errors)")
    }
  }
}
