import Files

extension TrainingRecipe {
  /// The recipe as YAML: every setting that is not at an absent default. Reading it gives an equal recipe.
  /// - Parameter comments: lines put in front.
  public func yaml(comments: [String] = []) -> String {
    comments.map { "# \($0)\n" }.joined() + YAMLWriter.text(of: settings)
  }

  /// Section → key → value, named as in the YAML file.
  var settings: JSONObject {
    var sections: JSONObject = [
      "model": .object(modelSettings), "data": .object(dataSettings), "optimizer": .object(optimizerSettings),
      "schedule": .object(scheduleSettings), "training": .object(trainingSettings),
      "validation": .object(["every": .count(validation.every), "batches": .count(validation.batches)]),
    ]
    if let evaluation {
      var settings: JSONObject = [
        "every": .count(evaluation.every), "tasks": .texts(evaluation.tasks), "data": .string(evaluation.data),
      ]
      settings["limit"] = evaluation.limit.map { .count($0) }
      sections["evaluation"] = .object(settings)
    }
    sections["checkpoints"] = .object(["every": .count(checkpoints.every), "keep": .count(checkpoints.keep)])
    sections["output"] = .object(["directory": .string(output.directory), "log_every": .count(output.logEvery)])
    return sections
  }

  private var modelSettings: JSONObject {
    var settings = JSONObject()
    settings["from"] = model.from.map { .string($0) }
    settings["layers"] = model.layers.map { .string($0) }
    switch model.configuration {
    case .file(let path): settings["config"] = .string(path)
    case .inline(let object): settings["config"] = .object(object)
    case nil: break
    }
    settings["tokenizer"] = model.tokenizer.map { .string($0) }
    return settings
  }

  private var dataSettings: JSONObject {
    let sources = data.train.map { source in
      JSON.object(["paths": .texts(source.paths), "weight": .number(source.weight)])
    }
    var settings: JSONObject = ["train": .array(sources)]
    if !data.weights.isEmpty {
      var weights = JSONObject()
      for (name, weight) in data.weights.sorted(by: { $0.key < $1.key }) { weights[name] = .number(weight) }
      settings["weights"] = .object(weights)
    }
    settings["validation"] = data.validation.map { .texts($0) }
    settings["sequence_length"] = data.sequenceLength.map { .count($0) }
    settings["sampling"] = .string(data.sampling.rawValue)
    if data.documentMasking != .none { settings["document_masking"] = .string(data.documentMasking.rawValue) }
    settings["document_separator"] = data.documentSeparator.map {
      .object(["token": .count(Int($0.token)), "side": .string($0.side.rawValue)])
    }
    return settings
  }

  private var optimizerSettings: JSONObject {
    var settings: JSONObject = [
      "beta1": .number(optimizer.beta1), "beta2": .number(optimizer.beta2), "epsilon": .number(optimizer.epsilon),
      "weight_decay": .number(optimizer.weightDecay), "decay": .string(optimizer.decay.rawValue),
    ]
    if optimizer.moments != .float32 { settings["moments"] = .string(optimizer.moments.rawValue) }
    guard !optimizer.groups.isEmpty else { return settings }
    settings["groups"] = .array(
      optimizer.groups.map { group in
        var settings: JSONObject = ["pattern": .texts(group.patterns)]
        settings["learning_rate_multiplier"] = group.learningRateMultiplier.map { .number($0) }
        settings["weight_decay"] = group.weightDecay.map { .number($0) }
        settings["frozen"] = group.isFrozen.map { .bool($0) }
        return .object(settings)
      })
    return settings
  }

  private var scheduleSettings: JSONObject {
    var settings: JSONObject = [
      "kind": .string(schedule.kind.rawValue), "learning_rate": .number(schedule.learningRate),
    ]
    settings["minimum"] = schedule.minimum.map { .number($0) }
    settings["warmup_steps"] = schedule.warmupSteps.map { .count($0) }
    settings["decay_steps"] = schedule.decaySteps.map { .count($0) }
    return settings
  }

  private var trainingSettings: JSONObject {
    var settings = JSONObject()
    switch training.duration {
    case .steps(let steps): settings["steps"] = .count(steps)
    case .tokens(let tokens): settings["tokens"] = .count(tokens)
    case .epochs(let epochs): settings["epochs"] = .number(epochs)
    }
    settings["micro_batch_size"] = training.microBatchSize.map { .count($0) }
    switch training.globalBatch {
    case .sequences(let sequences): settings["global_batch_size"] = .count(sequences)
    case .tokens(let tokens): settings["global_batch_tokens"] = .count(tokens)
    }
    settings["precision"] = .string(training.precision.rawValue)
    settings["seed"] = .integer(Int64(clamping: training.seed))
    settings["gradient_clipping"] = .number(training.gradientClipping)
    settings["recompute"] = training.recompute.map { .string($0.rawValue) }
    return settings
  }
}

extension JSON {
  fileprivate static func count(_ value: Int) -> JSON { .integer(Int64(value)) }
  fileprivate static func texts(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }
}
