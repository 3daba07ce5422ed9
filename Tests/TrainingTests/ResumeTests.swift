import CPUBackend
import Files
import Foundation
import Models
import TestSupport
import Testing

@testable import Training

/// A run that is interrupted and goes on is the run that was not, bit for bit.
@Suite struct ResumeTests {
  /// Weights, moments and data cursor of a run's checkpoint; its recipe and clock may differ.
  private func contents(_ directory: TemporaryDirectory, _ run: String, step: Int) throws -> [Data] {
    let path = String(format: "%@/checkpoints/step-%08d/", run, step)
    var state = try JSON(parsing: directory.text(path + "training/state.json")).object ?? JSONObject()
    for key in ["seconds", "recipe_sha256", "total_steps"] { state.removeValue(forKey: key) }
    return [
      try directory.read(path + "model.safetensors"), try directory.read(path + "training/optimizer.safetensors"),
      try directory.read(path + "config.json"), Data(JSON.object(state).serialized().utf8),
    ]
  }

  private static let variants: [(name: String, change: @Sendable (inout TrainingRecipe) -> Void)] = [
    ("plain", { _ in }),
    (
      "epochs, mixture, clipping off",
      {
        $0.data.sampling = .epochs
        $0.data.train.append(.init(paths: [$0.data.train[0].paths[0] + "2"], weight: 0.5))
        $0.training.gradientClipping = 0
      }
    ),
    (
      "groups, recompute, wsd",
      {
        $0.optimizer.groups = [
          .init(patterns: ["model.layers.0.*"], learningRateMultiplier: 0.5),
          .init(patterns: ["*norm*"], isFrozen: true),
        ]
        $0.training.recompute = .block
        $0.schedule.kind = .wsd
      }
    ),
    (
      "gpt2, validation",
      {
        $0.model.configuration = .inline(tinyGPT2)
        $0.validation.every = 2
        $0.validation.batches = 3
      }
    ),
    ("bfloat16", { $0.training.precision = .bfloat16 }),
    (
      "bfloat16 with moments of bfloat16",
      {
        $0.model.configuration = .inline(tinyGPT2)
        $0.training.precision = .bfloat16
        $0.optimizer.moments = .bfloat16
      }
    ),
  ]

  @Test(arguments: 0..<6) func everyStep(variant: Int) throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    try directory.writeTokens("data2", 300, seed: 9)
    let steps = 6
    let recipe = tinyRecipe(directory, steps: steps, Self.variants[variant].change)
    try train(recipe)
    let expected = try contents(directory, "run", step: steps)
    let lines = try metrics(directory)
    #expect(lines.filter { $0["loss"] != nil }.count == steps)

    for last in 1..<steps {
      var again = recipe
      again.output.directory = directory.path + "/run\(last)"
      let first = try train(again, stoppingAt: last)
      #expect(
        first.outcome
          == TrainOutcome(
            isFinished: false, step: last,
            checkpoint: directory.path + String(format: "/run%d/checkpoints/step-%08d", last, last)))
      let second = try train(again, resume: .require)
      #expect(second.outcome.isFinished && second.outcome.step == steps)
      #expect(try contents(directory, "run\(last)", step: steps) == expected, "stopped after step \(last)")
      #expect(try metrics(directory, "run\(last)") == lines, "stopped after step \(last)")
    }
  }

  @Test func onTheCPU() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 6)
    try train(recipe, device: CPUDevice(threads: 2))
    var again = recipe
    again.output.directory = directory.path + "/again"
    for last in 1..<6 { try train(again, stoppingAt: last, device: CPUDevice(threads: 2)) }
    try train(again, device: CPUDevice(threads: 2))
    #expect(try contents(directory, "again", step: 6) == contents(directory, "run", step: 6))
    #expect(try metrics(directory, "again") == metrics(directory))
  }

  /// As from a processor to a GPU, and back: checkpoints have the float32 masters.
  @Test func goesOnInAnotherPrecision() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 9)
    try train(recipe)
    let expected = try metrics(directory).compactMap { $0["loss"]?.double }

    var changing = recipe
    changing.output.directory = directory.path + "/changing"
    try train(changing, stoppingAt: 3)
    changing.training.precision = .bfloat16
    changing.optimizer.moments = .bfloat16
    #expect(try train(changing, stoppingAt: 6).outcome.step == 6)
    changing.training.precision = .float32
    changing.optimizer.moments = .float32
    #expect(try train(changing).outcome.isFinished)
    let found = try metrics(directory, "changing").compactMap { $0["loss"]?.double }
    #expect(found.count == 9 && found.prefix(3).elementsEqual(expected.prefix(3)))
    for (a, b) in zip(found.dropFirst(3), expected.dropFirst(3)) { #expect(a != b && abs(a - b) < 0.1) }
  }

  /// As after kill -9 between two checkpoints: the steps since the last one are done again, and stand in the metrics
  /// once.
  @Test func stepsSinceTheLastCheckpointAreRepeated() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 8) { $0.checkpoints.every = 3 }
    try train(recipe)
    let expected = try contents(directory, "run", step: 8)
    let lines = try metrics(directory)

    var again = recipe
    again.output.directory = directory.path + "/again"
    struct Killed: Error {}
    for last in [2, 5, 7] {
      let trainer = try makeTrainer(again)
      #expect(trainer.summary.resumed?.step == [2: nil, 5: nil, 7: 3][last])
      #expect(throws: Killed.self) {
        try trainer.run { event in
          if case .step(let report) = event, report.step == last { throw Killed() }
          return .proceed
        }
      }
    }
    try train(again)
    #expect(try contents(directory, "again", step: 8) == expected)
    #expect(try metrics(directory, "again") == lines)
  }

  @Test func aRunMayBeMadeLonger() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    var recipe = tinyRecipe(directory, steps: 4) { $0.schedule = constantSchedule }
    try train(recipe)
    recipe.training.duration = .steps(6)
    do {
      let trainer = try makeTrainer(recipe)
      #expect(trainer.summary.changes.map(\.key) == ["training.steps"])
      #expect(try trainer.run { _ in .proceed }.step == 6)
    }

    let whole = tinyRecipe(directory, steps: 6) {
      $0.schedule = constantSchedule
      $0.output.directory = directory.path + "/whole"
    }
    try train(whole)
    #expect(try contents(directory, "run", step: 6) == contents(directory, "whole", step: 6))
    // A finished run has nothing left to do, and says so.
    let events = try train(recipe).events
    #expect(events.count == 1)
  }

  private var constantSchedule: TrainingRecipe.ScheduleSection {
    var section = TrainingRecipe.ScheduleSection()
    section.kind = .constant
    section.warmupSteps = 2
    return section
  }

  @Test func theNewestCompleteCheckpointIsUsed() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 8) { $0.checkpoints.keep = 9 }
    try train(recipe, stoppingAt: 6)
    let checkpoints = directory.path + "/run/checkpoints"
    // `latest` is stale.
    try FileManager.default.removeItem(atPath: checkpoints + "/latest")
    try FileManager.default.createSymbolicLink(atPath: checkpoints + "/latest", withDestinationPath: "step-00000002")
    #expect(try makeTrainer(recipe).summary.resumed?.step == 6)

    let weights = checkpoints + "/step-00000006/model.safetensors"
    let size = try directory.read("run/checkpoints/step-00000006/model.safetensors").count
    #expect(truncate(weights, off_t(size - 1)) == 0)
    do {
      let trainer = try makeTrainer(recipe)
      #expect(trainer.summary.resumed?.step == 4)
      #expect(trainer.summary.notes.count == 1 && trainer.summary.notes[0].contains("step-00000006/model.safetensors"))
      #expect(try trainer.run { _ in .proceed }.isFinished)
    }
    #expect(try makeTrainer(recipe).summary.resumed?.step == 8)
  }

  @Test func damagedCheckpointsAreNeverAFreshStart() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 2)
    try train(recipe)
    let state = "run/checkpoints/step-00000002/training/state.json"
    let text = try directory.text(state)
    let broken = [
      "", "{}", text.replacing("\"step\": 2", with: "\"step\": -2"),
      text.replacing("\"step\": 2", with: "\"step\": 2, \"step\": 3"),
      text.replacing("\"draws\"", with: "\"drawn\""),
      text.replacing("\"recipe_sha256\": \"", with: "\"recipe_sha256\": \"0"),
      text.replacing("\"seconds\": ", with: "\"seconds\": Infinity, \"x\": "), String(text.dropLast(20)),
    ]
    for text in broken {
      try directory.write(state, text)
      guard case .noUsableCheckpoint? = trainingError(of: { try makeTrainer(recipe) }) else {
        Issue.record("accepted: \(text)")
        continue
      }
    }
    try directory.write(state, text)
    _ = try makeTrainer(recipe)
    try directory.write("run/checkpoints/step-00000002/training/recipe.yaml", "{}")
    #expect(throws: TrainingError.self) { try makeTrainer(recipe) }
  }

  @Test func momentsMustFit() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 2)
    try train(recipe)
    let frozen = tinyRecipe(directory, steps: 2) {
      $0.output.directory = directory.path + "/frozen"
      $0.optimizer.groups = [.init(patterns: ["*norm*"], isFrozen: true)]
    }
    try train(frozen)
    let file = "checkpoints/step-00000002/training/optimizer.safetensors"
    try directory.read("frozen/" + file).write(to: URL(fileURLWithPath: directory.path + "/run/" + file))
    guard case .damagedCheckpoint(_, let reason)? = trainingError(of: { try makeTrainer(recipe) }) else {
      return #expect(Bool(false), "accepted") as Void
    }
    #expect(reason.contains("m.model.layers.0.input_layernorm.weight"))
  }

  @Test func otherDataAndOtherRecipesAreRefused() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 4)
    try train(recipe, stoppingAt: 2)
    var other = recipe
    other.schedule.learningRate = 0.5
    guard
      case .recipeChanged(_, "schedule.learning_rate", "0.01", "0.5")? = trainingError(of: { try makeTrainer(other) })
    else { return #expect(Bool(false), "accepted") as Void }

    // The same tokens at another place are the same data; others at the same place are not.
    try FileManager.default.moveItem(atPath: directory.path + "/data", toPath: directory.path + "/moved")
    var moved = recipe
    moved.data.train[0].paths = [directory.path + "/moved"]
    #expect(try makeTrainer(moved).summary.changes.map(\.key) == ["data.train.0.paths"])
    try directory.writeTokens("data", seed: 77)
    guard case .dataChanged? = trainingError(of: { try makeTrainer(recipe) }) else {
      return #expect(Bool(false), "accepted") as Void
    }
  }

  @Test func resumeModes() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 2)
    #expect(
      trainingError { try makeTrainer(recipe, resume: .require) }
        == .nothingToResume(directory: directory.path + "/run"))
    try train(recipe, resume: .never)
    #expect(
      trainingError { try makeTrainer(recipe, resume: .never) }
        == .runExists(directory: directory.path + "/run", found: "checkpoints"))
    // A config.yaml that someone wrote by hand stays.
    try directory.write("mine/config.yaml", "# my recipe\n")
    var mine = recipe
    mine.output.directory = directory.path + "/mine"
    guard case .runExists? = trainingError(of: { try makeTrainer(mine) }) else {
      return #expect(Bool(false), "accepted") as Void
    }
    #expect(try directory.text("mine/config.yaml") == "# my recipe\n")
    // Nor are metrics replaced that no run has written.
    try directory.write("theirs/metrics.jsonl", "{}\n")
    mine.output.directory = directory.path + "/theirs"
    #expect(
      trainingError { try makeTrainer(mine) }
        == .runExists(directory: directory.path + "/theirs", found: "metrics.jsonl"))
    #expect(try directory.names("theirs") == ["metrics.jsonl"])
  }
}
