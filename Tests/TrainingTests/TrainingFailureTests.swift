import CPUBackend
import Datasets
import Files
import Foundation
import Models
import Programs
import Tensors
import TestSupport
import Testing

@testable import Training

/// What goes wrong is said once, clearly, and before or without anything being lost.
@Suite struct TrainingFailureTests {
  @Test func divergenceStopsBeforeAnythingIsSaved() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    // Step 6 is not logged: it is the device's flag that stops the run.
    let recipe = tinyRecipe(directory, steps: 20) { $0.output.logEvery = 5 }
    let error = trainingError {
      let trainer = try makeTrainer(recipe)
      return try trainer.run { event in
        if case .step(let report) = event, report.step == 5 {
          // A weight goes bad between two checkpoints.
          trainer.store.weight("lm_head.weight")?.address.floats[3] = .nan
        }
        return .proceed
      }
    }
    guard case .nonFinite(let step, let what, let value, let checkpoint, _)? = error else {
      return #expect(Bool(false), "\(String(describing: error))") as Void
    }
    #expect(step == 6 && what == "the loss" && value == "nan")
    #expect(checkpoint == directory.path + "/run/checkpoints/step-00000004")
    #expect(error?.description.contains("learning rate too high") == true)
    #expect(try directory.names("run/checkpoints") == ["latest", "step-00000002", "step-00000004"])
    #expect(try metrics(directory).last?["step"]?.integer == 5)
    // From the last good checkpoint it goes on.
    #expect(try train(tinyRecipe(directory, steps: 20)).outcome.isFinished)
  }

  @Test func weightsThatOverflowAreNotSaved() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let trainer = try makeTrainer(tinyRecipe(directory, steps: 20))
    let error = trainingError {
      try trainer.run { event in
        if case .step(let report) = event, report.step == 4 {
          trainer.store.weight("model.norm.weight")?.address.floats[0] = .infinity
        }
        return .proceed
      }
    }
    guard case .nonFinite(4, "the sum of the squared weights", _, _, _)? = error else {
      return #expect(Bool(false), "\(String(describing: error))") as Void
    }
    #expect(try directory.names("run/checkpoints") == ["latest", "step-00000002"])
  }

  @Test func badWeightsShowBeforeTheFirstStep() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let recipe = tinyRecipe(directory)
    let trainer = try Trainer(recipe, device: ReferenceDevice()) {
      let start = StartingPoint.fresh(try tinyModel(), seed: 1)
      return StartingPoint(model: start.model, tokenizerDirectory: nil, provenance: [:]) { device, precision, group in
        let store = try start.makeStore(device, precision, group)
        try [Float.nan].withUnsafeBufferPointer { try store.write($0, of: "lm_head.weight", at: 0) }
        return store
      }
    }
    #expect(trainingError { try trainer.run { _ in .proceed } } == .nonFiniteValidation(step: 0, lastCheckpoint: nil))
  }

  private func failure(_ directory: TemporaryDirectory, _ change: (inout TrainingRecipe) -> Void) -> String {
    do {
      try train(tinyRecipe(directory, change))
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func dataIsCheckedFirst() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    try directory.writeTokens("short", 8, validation: 0)
    try directory.writeTokens("blind", 100, validation: 0)
    try Data().write(to: URL(fileURLWithPath: directory.path + "/empty.bin"))
    try Data([16, 0, 17, 0]).write(to: URL(fileURLWithPath: directory.path + "/ids.bin"))
    let all = try directory.read("data/train.bin") + directory.read("ids.bin")
    try all.write(to: URL(fileURLWithPath: directory.path + "/ids.bin"))
    func paths(_ name: String) -> (inout TrainingRecipe) -> Void {
      { $0.data.train[0].paths = [directory.path + "/" + name] }
    }

    #expect(failure(directory, paths("absent")).contains("/absent: no such file or directory"))
    #expect(failure(directory, paths("empty.bin")).contains("holds no tokens"))
    #expect(failure(directory, paths("short")).contains("one sequence of length 8 needs 8 + 1"))
    #expect(failure(directory, paths("ids.bin")).contains("token 601 is id 17, outside the model's vocabulary of 17"))
    #expect(
      failure(directory) { $0.data.sequenceLength = 9 }.contains(
        "'data.sequence_length' is 9, expected the model's context length, 8"))
    let blind = failure(directory) {
      paths("blind")(&$0)
      $0.validation.every = 5
    }
    #expect(blind.contains("no validation tokens in") && blind.contains("set validation.every to 0"))
    #expect(failure(directory, paths("blind")) == "no error")
    // Those that fail leave nothing behind.
    try FileManager.default.removeItem(atPath: directory.path + "/run")
    _ = failure(directory, paths("absent"))
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/run"))
    #expect(failure(directory) { $0.output.directory = directory.path + "/ids.bin/run" }.contains("not a directory"))
  }

  @Test func modelAndRecipeMustAgree() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    try train(tinyRecipe(directory, steps: 1))
    let source = directory.path + "/run/checkpoints/latest"
    var other = tinyLlama
    other["hidden_size"] = .integer(16)
    let found = failure(directory) {
      $0.model = .init(from: source, configuration: .inline(other))
      $0.output.directory = directory.path + "/next"
    }
    #expect(found.contains("'hidden_size' is 8, but model.config in the recipe says 16"))
    var same = tinyLlama
    same["rope_theta"] = .number(10000)
    same["vocab_size"] = .number(17)
    let agreed = failure(directory) {
      $0.model = .init(from: source, configuration: .inline(tinyLlama))
      $0.output.directory = directory.path + "/next"
    }
    #expect(agreed == "no error")
    #expect(
      failure(directory) {
        $0.model = .init(from: "nobody/nothing")
        $0.output.directory = directory.path + "/hub"
      }.contains("hf download nobody/nothing"))
    #expect(
      failure(directory) {
        $0.model = .init(configuration: .inline(["model_type": .string("rnn")]))
        $0.output.directory = directory.path + "/rnn"
      }.contains("'rnn'"))
  }

  @Test func twoTrainersNeverShareARun() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let first = try makeTrainer(tinyRecipe(directory))
    #expect(trainingError { try makeTrainer(tinyRecipe(directory)) } == .runBusy(directory: directory.path + "/run"))
    withExtendedLifetime(first) {}
  }

  @Test func durationsAreRoundedUp() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    let batch = try BatchShape(tinyRecipe(directory), sequenceLength: 8)
    #expect(batch.tokensPerStep == 32 && batch.accumulation == 2)
    typealias Duration = TrainingRecipe.TrainingSection.Duration
    #expect(try Duration.tokens(33).steps(batch: batch, tokensPerEpoch: 0) == 2)
    #expect(try Duration.tokens(32).steps(batch: batch, tokensPerEpoch: 0) == 1)
    #expect(try Duration.epochs(1.5).steps(batch: batch, tokensPerEpoch: 592) == 28)
    #expect(throws: TrainingError.self) { try Duration.tokens(.max).steps(batch: batch, tokensPerEpoch: 0) }
    #expect(try makeTrainer(tinyRecipe(directory) { $0.training.duration = .epochs(1) }).summary.totalSteps == 19)
  }

  /// The estimate is made without weights, and is what the run then takes.
  @Test func estimatesAreTrue() throws {
    let directory = try TemporaryDirectory()
    try directory.writeTokens("data")
    for recompute in Recompute.allCases {
      let recipe = tinyRecipe(directory) {
        $0.training.recompute = recompute
        $0.training.duration = .epochs(2)
        $0.optimizer.groups = [.init(patterns: ["*norm*"], isFrozen: true)]
        $0.output.directory = directory.path + "/" + recompute.rawValue
      }
      let model = try tinyModel()
      let estimate = try RunEstimate(
        recipe, model: model, device: CPUDevice(threads: 1).info,
        tokensPerEpoch: recipe.dataSummary(model: model)?.tokensPerEpoch)
      let trainer = try makeTrainer(recipe)
      // The process of a test is none of a run, and the other device takes none of its memory.
      #expect(estimate.memory.withProcess(0) == trainer.summary.memory.withProcess(0))
      #expect(estimate.memory.process > 1 << 20)
      #expect(estimate.totalSteps == trainer.summary.totalSteps && estimate.totalTokens == 37 * 32)
      #expect(estimate.parameterCount == trainer.store.parameterCount)
      #expect(estimate.operationsPerToken == trainer.operationsPerToken)
      #expect((estimate.executedOperationsPerToken > estimate.operationsPerToken) == (recompute == .block))
      #expect(
        try RunEstimate(recipe, model: model, device: CPUDevice(threads: 1).info, tokensPerEpoch: nil).totalSteps == nil
      )
      _ = try trainer.run { _ in .stop }
    }
  }
}
