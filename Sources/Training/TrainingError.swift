/// What can be wrong with a recipe, a run directory, a training checkpoint, or the training itself.
/// Every message is one line that names the file and line, the key or the step, and says what to do.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  // The recipe. `location` is `file:line`, or the `--set` that gave the value.
  case malformedYAML(location: String, reason: String)
  case unknownKey(location: String, key: String, suggestion: String?, known: [String])
  case wrongType(location: String, key: String, expected: String, found: String)
  case invalidSetting(location: String?, key: String, found: String, expected: String)
  case missingSetting(source: String, key: String, expected: String)
  case conflictingSettings(location: String?, first: String, second: String, reason: String)
  case invalidOverride(text: String, reason: String)
  /// The keys of `model.config` beside `model.from` that say something else than the source's config.json.
  case configurationMismatch(source: String, key: String, expected: String, found: String)

  // Optimiser groups
  case patternMatchesNothing(pattern: String, example: String?)
  case packedParameterSplit(pattern: String, parameter: String, others: [String])
  case nothingTrained

  // The run directory and its checkpoints
  case runBusy(directory: String)
  case runExists(directory: String, found: String)
  case nothingToResume(directory: String)
  case damagedCheckpoint(path: String, reason: String)
  case noUsableCheckpoint(directory: String, problems: [String])
  case recipeChanged(checkpoint: String, key: String, saved: String, current: String)
  case dataChanged(source: String, reason: String)
  case writeFailed(path: String, reason: String)

  // The training
  case nonFinite(step: Int, what: String, value: String, lastCheckpoint: String?, learningRate: Double)
  case nonFiniteValidation(step: Int, lastCheckpoint: String?)
  case noValidationData(sources: String)

  // The data
  case noMixture(path: String)
  case unknownDomain(name: String, mixture: String, suggestion: String?, known: [String])

  public var description: String {
    switch self {
    case .malformedYAML(let location, let reason): return "\(location): \(reason)"
    case .unknownKey(let location, let key, let suggestion, let known):
      let hint = suggestion.map { "did you mean '\($0)'?" } ?? "known here are \(known.joined(separator: ", "))"
      return "\(location): unknown key '\(key)'; \(hint)"
    case .wrongType(let location, let key, let expected, let found):
      return "\(location): '\(key)': expected \(expected), found \(found)"
    case .invalidSetting(let location, let key, let found, let expected):
      return TrainingError.at(location) + "'\(key)' is \(found), expected \(expected)"
    case .missingSetting(let source, let key, let expected): return "\(source): '\(key)' is missing: \(expected)"
    case .conflictingSettings(let location, let first, let second, let reason):
      return TrainingError.at(location) + "'\(first)' and '\(second)' do not go together: \(reason)"
    case .invalidOverride(let text, let reason): return "--set \(text): \(reason)"
    case .configurationMismatch(let source, let key, let expected, let found):
      return "\(source): '\(key)' is \(found), but model.config in the recipe says \(expected); "
        + "correct it, or leave model.config out"

    case .patternMatchesNothing(let pattern, let example):
      let hint = example.map { "; tensors have names like '\($0)'" } ?? ""
      return "optimizer.groups: pattern '\(pattern)' matches no tensor of the model\(hint)"
    case .packedParameterSplit(let pattern, let parameter, let others):
      return "optimizer.groups: pattern '\(pattern)' takes '\(parameter)' without \(others.joined(separator: ", ")), "
        + "which are trained as one matrix with it; match all of them or none"
    case .nothingTrained: return "optimizer.groups freezes every parameter of the model: there is nothing to train"

    case .runBusy(let directory): return "\(directory): another process is training into this directory"
    case .runExists(let directory, let found):
      return "\(directory): holds a run already (\(found)); choose another output.directory, or use --resume auto"
    case .nothingToResume(let directory):
      return "\(directory): no checkpoint to resume from; --resume auto starts at the beginning where there is none"
    case .damagedCheckpoint(let path, let reason): return "\(path): not a complete training checkpoint: \(reason)"
    case .noUsableCheckpoint(let directory, let problems):
      return "\(directory): none of the checkpoints can be used: \(problems.joined(separator: "; ")); "
        + "choose another output.directory to start anew"
    case .recipeChanged(let checkpoint, let key, let saved, let current):
      return "\(checkpoint): '\(key)' was \(saved), is now \(current): the run could not go on as it began; "
        + "restore it, or start a new run with model.from: \(checkpoint)"
    case .dataChanged(let source, let reason):
      return "\(source): not the tokens that this run was trained on: \(reason); restore them, or start a new run"
    case .writeFailed(let path, let reason): return "\(path): cannot be written: \(reason)"

    case .nonFinite(let step, let what, let value, let lastCheckpoint, let learningRate):
      return
        "step \(step): \(what) is \(value); stopped before anything was saved (\(TrainingError.good(lastCheckpoint))). "
        + "Likely causes: a learning rate too high (schedule.learning_rate, here \(learningRate)), a warm-up too short "
        + "(schedule.warmup_steps), gradient clipping switched off (training.gradient_clipping), damaged weights or tokens"
    case .nonFiniteValidation(let step, let lastCheckpoint):
      return "step \(step): the validation loss is not finite (\(TrainingError.good(lastCheckpoint))). "
        + "Likely causes: damaged weights in model.from, or a learning rate too high (schedule.learning_rate)"
    case .noValidationData(let sources):
      return "no validation tokens in \(sources); prepare with a --validation-fraction above 0, name others in "
        + "data.validation, or set validation.every to 0"

    case .noMixture(let path):
      return "'data.weights': \(path) is no mixture with domains that could have weights"
    case .unknownDomain(let name, let mixture, let suggestion, let known):
      let hint = suggestion.map { "did you mean '\($0)'?" } ?? "its domains are \(known.joined(separator: ", "))"
      return "'data.weights.\(name)': \(mixture) has no domain of this name; \(hint)"
    }
  }

  private static func at(_ location: String?) -> String { location.map { "\($0): " } ?? "" }

  private static func good(_ checkpoint: String?) -> String {
    checkpoint.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint yet"
  }
}
