import Checkpoints
import Datasets
import Files
import Foundation
import Models
import Programs
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite struct TrainerTests {
  private func values(_ store: ParameterStore) throws -> [Float] {
    try store.groups.flatMap { group in
      var values = [Float](repeating: 0, count: group.parameters.count)
      try values.withUnsafeMutableBytes { try store.device.download(group.parameters, to: $0) }
      return values
    }
  }

  @Test func theLossFalls() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 60) {
      $0.validation.every = 30
      $0.checkpoints.every = 60
    }
    let events = try train(recipe).events
    let lines = try metrics(directory)
    let losses = lines.compactMap { $0["loss"]?.double }
    let validation = lines.filter { $0["validation_loss"] != nil }
    // ln 17 = 2.83 at the start; each token leaves three continuations: ln 3 = 1.10 is the floor.
    #expect(abs(losses[0] - 2.83) < 0.1 && losses[59] < 1.9, "\(losses[0]) \(losses[59])")
    #expect(validation.compactMap { $0["step"]?.integer } == [0, 30, 60])
    #expect((validation[2]["validation_loss"]?.double ?? 9) < 1.9)
    #expect(lines.last?["tokens"]?.integer == 60 * 4 * 8)
    let kinds = events.compactMap { event -> String? in
      switch event {
      case .started: "started"
      case .saved(let step, _): "saved \(step)"
      case .validated(let metrics): "validated \(metrics.step)"
      case .step, .validating, .evaluated: nil
      }
    }
    #expect(kinds == ["started", "validated 0", "validated 30", "saved 60", "validated 60"])
  }

  @Test func microBatchesAddUp() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    var results: [[Float]] = []
    var losses: [[Double]] = []
    var norms: [[Double]] = []
    for rows in [1, 2, 4] {
      let recipe = tinyRecipe(directory, steps: 3) {
        $0.training.microBatchSize = rows
        $0.output.directory = directory.path + "/run\(rows)"
      }
      let trainer = try makeTrainer(recipe)
      _ = try trainer.run { _ in .proceed }
      results.append(try values(trainer.store))
      let lines = try metrics(directory, "run\(rows)")
      losses.append(lines.compactMap { $0["loss"]?.double })
      norms.append(lines.compactMap { $0["gradient_norm"]?.double })
    }
    for index in 1..<3 {
      #expect(maximumDifference(results[index], results[0]) < 1e-5)
      #expect(zip(losses[index], losses[0]).allSatisfy { abs($0 - $1) < 1e-6 })
      // AdamW forgives a wrong scale of the gradients; their norm does not.
      #expect(zip(norms[index], norms[0]).allSatisfy { abs($0 - $1) < 1e-5 * $1 })
    }
    // The three runs did learn.
    #expect(losses[0][2] < losses[0][0])
  }

  @Test func recomputationChangesNothing() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    var results: [[Float]] = []
    for recompute in Recompute.allCases {
      let recipe = tinyRecipe(directory, steps: 3) {
        $0.training.recompute = recompute
        $0.output.directory = directory.path + "/" + recompute.rawValue
      }
      let trainer = try makeTrainer(recipe)
      _ = try trainer.run { _ in .proceed }
      results.append(try values(trainer.store))
    }
    #expect(results[0] == results[1])
  }

  @Test func frozenParametersStay() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let trainer = try makeTrainer(
      tinyRecipe(directory, steps: 2) { $0.optimizer.groups = [.init(patterns: ["model.layers.*"], isFrozen: true)] })
    let frozen = try #require(trainer.store.groups.first { $0.group.isFrozen })
    func read(_ tensor: Tensor) throws -> [Float] {
      var values = [Float](repeating: 0, count: tensor.count)
      try values.withUnsafeMutableBytes { try trainer.store.device.download(tensor, to: $0) }
      return values
    }
    let (before, all) = (try read(frozen.parameters), try values(trainer.store))
    _ = try trainer.run { _ in .proceed }
    #expect(try read(frozen.parameters) == before)
    #expect(try values(trainer.store) != all)
  }

  @Test func saveAndStopAreAnswers() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 9) {
      $0.checkpoints.every = 100
      $0.checkpoints.keep = 2
    }
    var saved: [Int] = []
    let trainer = try makeTrainer(recipe)
    let outcome = try trainer.run { event in
      if case .saved(let step, let path) = event {
        saved.append(step)
        #expect(FileManager.default.fileExists(atPath: path + "/training/state.json"))
      }
      guard case .step(let report) = event else { return .proceed }
      return [2: .save, 3: .save, 5: .save, 7: .stop][report.step] ?? .proceed
    }
    #expect(saved == [2, 3, 5, 7] && outcome.step == 7 && !outcome.isFinished)
    #expect(try directory.names("run/checkpoints") == ["latest", "step-00000005", "step-00000007"])
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: directory.path + "/run/checkpoints/latest")
        == "step-00000007")
  }

  @Test func stoppingBeforeTheFirstStepSavesNothing() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let outcome = try makeTrainer(tinyRecipe(directory)).run { _ in .stop }
    #expect(outcome == TrainOutcome(isFinished: false, step: 0, checkpoint: nil))
  }

  @Test func aValidationThatWasCutShortIsMadeUpFor() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 4) {
      $0.validation.every = 2
      $0.validation.batches = 3
    }
    let outcome = try makeTrainer(recipe).run { event in
      if case .validating(1, 3) = event, try metrics(directory).contains(where: { $0["step"]?.integer == 2 }) {
        return .stop
      }
      return .proceed
    }
    #expect(outcome.step == 2)
    #expect(try metrics(directory).filter { $0["validation_loss"] != nil }.count == 1)
    try train(recipe)
    let steps = try metrics(directory).filter { $0["validation_loss"] != nil }.compactMap { $0["step"]?.integer }
    #expect(steps == [0, 2, 4])
  }

  @Test func theEvaluationHookWritesLines() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 4) {
      $0.evaluation = .init(every: 3, tasks: ["t"], data: "rows", limit: 7)
    }
    var asked: [Int] = []
    let hook: EvaluationHook = { request in
      asked.append(request.step)
      #expect(request.section.limit == 7 && request.store.weight("model.norm.weight") != nil)
      if request.step == 3, asked.count == 1 { throw CancellationError() }
      return [["task": .string("t"), "acc": .number(0.5)], ["task": .string("u")]]
    }
    #expect(
      try train(recipe, evaluate: hook).outcome
        == TrainOutcome(
          isFinished: false, step: 3, checkpoint: directory.path + "/run/checkpoints/step-00000003"))
    try train(recipe, evaluate: hook)
    #expect(asked == [3, 3, 4])
    let lines = try metrics(directory).filter { $0["task"] != nil }.map { JSON.object($0).serialized() }
    #expect(
      lines == [
        #"{"step": 3, "task": "t", "acc": 0.5}"#, #"{"step": 3, "task": "u"}"#,
        #"{"step": 4, "task": "t", "acc": 0.5}"#,
        #"{"step": 4, "task": "u"}"#,
      ])
  }

  @Test func aFailedEvaluationLosesNothing() throws {
    struct Failed: Error {}
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory, steps: 9) {
      $0.evaluation = .init(every: 3, tasks: ["t"], data: "rows")
      $0.checkpoints.every = 100
    }
    #expect(throws: Failed.self) { try train(recipe) { _ in throw Failed() } }
    #expect(try makeTrainer(recipe).summary.resumed?.step == 3)
  }

  @Test func checkpointsAreModelDirectories() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    try directory.write("tok/tokenizer.json", "{\"a\": 1}")
    let recipe = tinyRecipe(directory, steps: 2) { $0.model.tokenizer = directory.path + "/tok" }
    let trainer = try makeTrainer(recipe)
    _ = try trainer.run { _ in .proceed }
    let path = directory.path + "/run/checkpoints/latest"
    #expect(try directory.text("run/checkpoints/latest/tokenizer.json") == "{\"a\": 1}")
    let source = try ModelSource(path)
    let store = try ParameterStore.load(source.model, from: source.checkpoint, device: ReferenceDevice())
    let all = trainer.model.parameters.map(\.name)
    for name in all {
      let (one, two) = (try #require(store.weight(name)), try #require(trainer.store.weight(name)))
      #expect(memcmp(one.address, two.address, one.byteCount) == 0, "\(name)")
    }
    let provenance = try JSON(contentsOf: path + "/inheritune.json")
    #expect(provenance["training"]?["step"]?.integer == 2 && provenance["source"]?["seed"]?.string == "1337")

    // A new run starts with them; and the tokenizer goes along.
    let next = tinyRecipe(directory, steps: 1) {
      $0.model = .init(from: path)
      $0.output.directory = directory.path + "/next"
    }
    #expect(try values(makeTrainer(next).store) == values(trainer.store))
    try train(next)
    #expect(try directory.text("next/checkpoints/latest/tokenizer.json") == "{\"a\": 1}")
    #expect(try directory.text("run/config.yaml").hasPrefix("# The recipe of this run"))
    #expect(try TrainingRecipe.load(directory.path + "/run/config.yaml") == recipe)
  }

  /// The checkpoint that a run goes on from is gone after `keep` more; its tokenizer is not.
  @Test func tokenizerOutlivesTheCheckpointItCameFrom() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    try directory.write("tok/tokenizer.json", "{\"a\": 1}")
    let recipe = tinyRecipe(directory, steps: 8) {
      $0.model.tokenizer = directory.path + "/tok"
      $0.checkpoints.keep = 1
    }
    try train(recipe, stoppingAt: 2)
    let rest = try train(recipe)
    #expect(rest.outcome.step == 8)
    #expect(try directory.text("run/checkpoints/latest/tokenizer.json") == "{\"a\": 1}")
  }
}
