import Testing

@testable import Training

@Suite struct RecipeChangeTests {
  private func changes(_ change: (inout TrainingRecipe) -> Void) throws -> [RecipeChange] {
    let saved = try RecipeTests.parse(RecipeTests.minimal)
    var current = saved
    change(&current)
    return try RecipeChange.changes(from: saved, to: current, checkpoint: "run/step-5")
  }

  @Test func harmlessOnesAreListed() throws {
    #expect(try changes { _ in }.isEmpty)
    let all = try changes {
      $0.training.duration = .steps(200)
      $0.checkpoints.keep = 5
      $0.output.directory = "elsewhere"
      $0.data.train[0].paths = ["moved"]
      $0.evaluation = .init(every: 5, tasks: ["piqa"], data: "rows")
    }
    #expect(
      all.map(\.description) == [
        "data.train.0.paths: [\"tokens\"] → [\"moved\"]", "training.steps: 100 → 200", "checkpoints.keep: 2 → 5",
        "output.directory: \"runs/run\" → \"elsewhere\"", "evaluation.every: the default → 5",
        "evaluation.tasks: the default → [\"piqa\"]", "evaluation.data: the default → \"rows\"",
      ])
    // From the CPU to a GPU and back.
    let precision = try changes {
      $0.training.precision = .bfloat16
      $0.optimizer.moments = .bfloat16
    }
    #expect(
      precision.map(\.description) == [
        "training.precision: \"auto\" → \"bfloat16\"", "optimizer.moments: the default → \"bfloat16\"",
      ])
    #expect(try changes { $0.training.duration = .epochs(2) }.map(\.key) == ["training.steps", "training.epochs"])
  }

  @Test func othersNameTheKey() {
    let cases: [(String, (inout TrainingRecipe) -> Void)] = [
      ("schedule.learning_rate", { $0.schedule.learningRate = 1 }), ("training.seed", { $0.training.seed = 1 }),
      ("optimizer.beta2", { $0.optimizer.beta2 = 0.5 }), ("data.sequence_length", { $0.data.sequenceLength = 5 }),
      ("optimizer.groups.0.pattern", { $0.optimizer.groups = [.init(patterns: ["x"])] }),
      ("data.train.0.weight", { $0.data.train[0].weight = 2 }),
      ("data.weights.cc", { $0.data.weights = ["cc": 3] }),
      ("data.document_masking", { $0.data.documentMasking = .loss }),
      ("data.train.1.weight", { $0.data.train.append(.init(paths: ["x"])) }),
      ("model.from", { $0.model.from = "x" }), ("schedule.warmup_steps", { $0.schedule.warmupSteps = 3 }),
      (
        "model.config.n_layer",
        { $0.model.configuration = .inline(["model_type": .string("gpt2"), "n_layer": .integer(3)]) }
      ),
      ("training.global_batch_size", { $0.training.globalBatch = .tokens(5) }),
    ]
    for (key, change) in cases {
      guard case .recipeChanged("run/step-5", let found, _, _)? = trainingError(of: { try changes(change) }) else {
        Issue.record("\(key): no error")
        continue
      }
      #expect(found == key)
    }
  }
}
