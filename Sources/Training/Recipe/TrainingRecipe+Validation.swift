extension TrainingRecipe {
  /// Checks ranges, and settings that must fit each other. What depends on the model or the data is checked when they
  /// are there.
  /// - Throws: `TrainingError` naming the key.
  public func validate() throws(TrainingError) {
    try validateModel()
    try validateData()
    try validateOptimizer()
    try validateSchedule()
    try validateTraining()
    try atLeastOne("validation.batches", validation.batches)
    if let evaluation {
      try atLeastOne("evaluation.every", evaluation.every)
      try atLeastOne("evaluation.limit", evaluation.limit)
      try require("evaluation.tasks", !evaluation.tasks.isEmpty, found: "empty", "one or more names of tasks")
    }
    try atLeastOne("checkpoints.every", checkpoints.every)
    try atLeastOne("checkpoints.keep", checkpoints.keep)
    try atLeastOne("output.log_every", output.logEvery)
    try require("output.directory", !output.directory.isEmpty, found: "empty", "a path")
  }

  private func validateModel() throws(TrainingError) {
    guard model.from != nil || model.configuration != nil else {
      throw .missingSetting(
        source: "recipe", key: "model.from",
        expected: "the weights to start with, or model.config for a fresh model")
    }
    if model.layers != nil, model.from == nil {
      throw .conflictingSettings(
        location: nil, first: "model.layers", second: "model.config",
        reason: "layers are inherited from model.from; a fresh model has the layers that its config says")
    }
  }

  private func validateData() throws(TrainingError) {
    try require("data.train", !data.train.isEmpty, found: "empty", "one or more sources")
    for (index, source) in data.train.enumerated() {
      try require("data.train.\(index).paths", !source.paths.isEmpty, found: "empty", "one or more paths")
      try require(
        "data.train.\(index).weight", source.weight > 0 && source.weight.isFinite, found: "\(source.weight)",
        "a number above 0")
    }
    for (name, weight) in data.weights.sorted(by: { $0.key < $1.key }) {
      try require("data.weights.\(name)", weight > 0 && weight.isFinite, found: "\(weight)", "a number above 0")
    }
    if !data.weights.isEmpty, data.train.flatMap(\.paths).count != 1 {
      throw .conflictingSettings(
        location: nil, first: "data.weights", second: "data.train",
        reason: "weights by name are those of one mixture; sources of their own have a weight each")
    }
    if let separator = data.documentSeparator {
      try require(
        "data.document_separator.token", (0..<Int32.max).contains(separator.token), found: "\(separator.token)",
        "the id of a token")
    }
    if let validation = data.validation {
      try require("data.validation", !validation.isEmpty, found: "empty", "one or more paths")
    }
    try atLeastOne("data.sequence_length", data.sequenceLength)
  }

  private func validateOptimizer() throws(TrainingError) {
    for (key, beta) in [("beta1", optimizer.beta1), ("beta2", optimizer.beta2)] {
      try require("optimizer.\(key)", (0..<1).contains(beta), found: "\(beta)", "a number from 0 to below 1")
    }
    try require(
      "optimizer.epsilon", Float(optimizer.epsilon) > 0 && Float(optimizer.epsilon).isFinite,
      found: "\(optimizer.epsilon)", "a number above 0")
    try notNegative("optimizer.weight_decay", optimizer.weightDecay)
    for (index, group) in optimizer.groups.enumerated() {
      let key = "optimizer.groups.\(index)"
      try require("\(key).pattern", !group.patterns.isEmpty, found: "empty", "one or more globs over tensor names")
      try notNegative("\(key).learning_rate_multiplier", group.learningRateMultiplier)
      try notNegative("\(key).weight_decay", group.weightDecay)
    }
  }

  private func validateSchedule() throws(TrainingError) {
    try require(
      "schedule.learning_rate", Float(schedule.learningRate) > 0 && Float(schedule.learningRate).isFinite,
      found: "\(schedule.learningRate)", "a number above 0")
    try atLeastOne("schedule.decay_steps", schedule.decaySteps)
    if let minimum = schedule.minimum {
      try require(
        "schedule.minimum", (0...schedule.learningRate).contains(minimum), found: "\(minimum)",
        "a number from 0 to schedule.learning_rate (\(schedule.learningRate))")
    }
    if schedule.kind == .constant {
      for (key, isGiven) in [("minimum", schedule.minimum != nil), ("decay_steps", schedule.decaySteps != nil)]
      where isGiven {
        throw .conflictingSettings(
          location: nil, first: "schedule.\(key)", second: "schedule.kind", reason: "a constant rate does not decay")
      }
    }
    if case .steps(let steps) = training.duration, steps > 0 {
      _ = try LearningRateSchedule(schedule, totalSteps: steps)
    }
  }

  private func validateTraining() throws(TrainingError) {
    switch training.duration {
    case .steps(let steps): try atLeastOne("training.steps", steps)
    case .tokens(let tokens): try atLeastOne("training.tokens", tokens)
    case .epochs(let epochs):
      try require("training.epochs", epochs > 0 && epochs.isFinite, found: "\(epochs)", "a number above 0")
    }
    try atLeastOne("training.micro_batch_size", training.microBatchSize)
    // Beyond it, JSON's whole numbers and so the saved recipe could not hold it.
    try require("training.seed", training.seed <= UInt64(Int64.max), found: "\(training.seed)", "\(Int64.max) at most")
    try notNegative("training.gradient_clipping", training.gradientClipping)
    switch training.globalBatch {
    case .sequences(let sequences):
      try atLeastOne("training.global_batch_size", sequences)
      _ = try BatchShape(self, sequenceLength: data.sequenceLength ?? 1)
    case .tokens(let tokens):
      try atLeastOne("training.global_batch_tokens", tokens)
      if let length = data.sequenceLength { _ = try BatchShape(self, sequenceLength: length) }
    }
  }

  private func require(
    _ key: String, _ condition: Bool, found: String, _ expected: String
  ) throws(TrainingError) {
    guard condition else { throw .invalidSetting(location: nil, key: key, found: found, expected: expected) }
  }

  private func atLeastOne(_ key: String, _ value: Int?) throws(TrainingError) {
    guard let value else { return }
    try require(key, value >= 1, found: "\(value)", "1 or more")
  }

  private func notNegative(_ key: String, _ value: Double?) throws(TrainingError) {
    guard let value else { return }
    try require(key, value >= 0 && Float(value).isFinite, found: "\(value)", "a number, 0 or more")
  }
}

extension TrainingError {
  /// The same error with the place of its key in the recipe, where `location` knows it.
  func locating(_ location: (String) -> String?) -> TrainingError {
    switch self {
    case .invalidSetting(nil, let key, let found, let expected):
      .invalidSetting(location: location(key), key: key, found: found, expected: expected)
    case .conflictingSettings(nil, let first, let second, let reason):
      .conflictingSettings(location: location(first), first: first, second: second, reason: reason)
    default: self
    }
  }
}
