import Datasets
import Files
import Programs
import YAML

extension TrainingRecipe {
  /// Reads a recipe and checks it.
  /// - Parameter overrides: `key.path=value` each, as `--set` gives them; they win over the file, the later over the
  ///   earlier.
  /// - Throws: `TrainingError`, `FileError`.
  public static func load(_ path: String, overrides: [String] = []) throws -> TrainingRecipe {
    guard let text = try MappedFile(path).withBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw TrainingError.malformedYAML(location: path, reason: "not UTF-8 text")
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let stem = name.split(separator: ".").first.map(String.init) ?? name
    return try TrainingRecipe(parsing: text, source: path, defaultDirectory: "runs/\(stem)", overrides: overrides)
  }

  /// Reads a recipe from text and checks it.
  /// - Parameters:
  ///   - source: the name of the text, for messages.
  ///   - defaultDirectory: `output.directory` where the recipe names none.
  public init(
    parsing text: String, source: String, defaultDirectory: String = "runs/run", overrides: [String] = []
  ) throws(TrainingError) {
    var root = try TrainingRecipe.parse(text, name: source) ?? YAMLNode(value: .mapping([]), location: source)
    for override in overrides { try TrainingRecipe.apply(override, to: &root) }
    self = try TrainingRecipe(root, source: source, defaultDirectory: defaultDirectory)
    do throws(TrainingError) { try validate() } catch { throw error.locating { root.location(of: $0) } }
  }

  private static func parse(_ text: String, name: String) throws(TrainingError) -> YAMLNode? {
    do throws(YAMLError) { return try YAMLText.parse(text, name: name) } catch {
      throw .malformedYAML(location: error.location, reason: error.reason)
    }
  }

  private static func apply(_ override: String, to root: inout YAMLNode) throws(TrainingError) {
    guard let equals = override.firstIndex(of: "=") else {
      throw .invalidOverride(text: override, reason: "expected key.path=value")
    }
    let key = String(override[..<equals])
    let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard path.allSatisfy({ !$0.isEmpty }) else {
      throw .invalidOverride(text: override, reason: "expected key.path=value, as schedule.learning_rate=3e-4")
    }
    // Anything beyond a recipe's depth is no key, and would only nest.
    guard path.count <= YAMLText.depthLimit else {
      throw .invalidOverride(text: override, reason: "nested deeper than \(YAMLText.depthLimit) levels")
    }
    let location = "--set \(key)"
    let text = String(override[override.index(after: equals)...])
    // A path or a pattern is taken as it is, whatever it would mean to YAML; lists, sections and quoted texts are YAML.
    var node = YAMLNode(value: .scalar(text, isQuoted: false), location: location)
    if let first = text.first, "[{\"'".contains(first) {
      do throws(YAMLError) { node = try YAMLText.parse(text, name: location) ?? node } catch {
        throw .invalidOverride(text: override, reason: error.reason)
      }
    }
    node.relocate(location)
    if let problem = root.set(path[...], to: node) { throw .invalidOverride(text: override, reason: problem) }
  }

  private init(_ root: YAMLNode, source: String, defaultDirectory: String) throws(TrainingError) {
    let book = SettingsSection.Book(source: source)
    let sections = try SettingsSection(root: root, book: book)
    let model = try ModelSection(try sections.section("model"))
    let data = try DataSection(try sections.section("data"))
    let optimizer = try OptimizerSection(try sections.section("optimizer"))
    let schedule = try ScheduleSection(try sections.section("schedule"))
    let training = try TrainingSection(try sections.section("training"))
    let validation = try ValidationSection(try sections.section("validation"))
    var evaluation: EvaluationSection?
    if let section = try sections.optionalSection("evaluation") { evaluation = try EvaluationSection(section) }
    let checkpoints = try CheckpointsSection(try sections.section("checkpoints"))
    let output = try OutputSection(try sections.section("output"), defaultDirectory: defaultDirectory)
    try book.check()
    self.init(
      model: model, data: data, optimizer: optimizer, schedule: schedule, training: training, validation: validation,
      evaluation: evaluation, checkpoints: checkpoints, output: output)
  }
}

extension TrainingRecipe.ModelSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    from = try section.string("from")
    layers = try section.string("layers")
    tokenizer = try section.string("tokenizer")
    guard let node = section.node("config") else { return }
    switch node.value {
    case .mapping: configuration = .inline(node.json.object ?? JSONObject())
    default: configuration = .file(try section.string(of: node, "config"))
    }
  }
}

extension TrainingRecipe.DataSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    self.init(train: [])
    validation = try section.strings("validation")
    sequenceLength = try section.count("sequence_length")
    if let sampling: Sampling = try section.choice("sampling") { self.sampling = sampling }
    weights = try section.numbers("weights")
    if let masking: DocumentMasking = try section.choice("document_masking") { documentMasking = masking }
    if let separator = try section.optionalSection("document_separator") {
      documentSeparator = try DocumentBoundary(separator)
    }
    guard let node = section.required("train", section.node("train"), "a directory of prepared tokens, or a mixture")
    else {
      return
    }
    guard case .sequence(let elements) = node.value else {
      train = [try Source(node, section)]
      return
    }
    for element in elements {
      guard case .mapping = element.value else {
        throw section.wrong(element, "train", "one path, or a list of sections with paths and weight")
      }
      train.append(try Source(element, section))
    }
  }
}

extension DocumentBoundary {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    let token = section.required("token", try section.count("token"), "the id of the token between documents")
    let side: Side? = section.required("side", try section.choice("side"), "append or prepend")
    // Beyond every vocabulary, where it is out of range: see `validate`.
    self.init(token: Int32(clamping: token ?? 0), side: side ?? .append)
  }
}

extension TrainingRecipe.DataSection.Source {
  fileprivate init(_ node: YAMLNode, _ section: SettingsSection) throws(TrainingError) {
    guard case .mapping = node.value else {
      self.init(paths: [try section.string(of: node, "train")])
      return
    }
    let element = try section.section(of: node, "train")
    self.init(paths: element.required("paths", try element.strings("paths"), "directories of prepared tokens") ?? [])
    if let weight = try element.number("weight") { self.weight = weight }
  }
}

extension TrainingRecipe.OptimizerSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    self.init()
    if let beta1 = try section.number("beta1") { self.beta1 = beta1 }
    if let beta2 = try section.number("beta2") { self.beta2 = beta2 }
    if let epsilon = try section.number("epsilon") { self.epsilon = epsilon }
    if let weightDecay = try section.number("weight_decay") { self.weightDecay = weightDecay }
    if let decay: Decay = try section.choice("decay") { self.decay = decay }
    if let moments: Moments = try section.choice("moments") { self.moments = moments }
    for node in section.list("groups") ?? [] {
      let element = try section.section(of: node, "groups")
      groups.append(
        Group(
          patterns: element.required("pattern", try element.strings("pattern"), "a glob over tensor names") ?? [],
          learningRateMultiplier: try element.number("learning_rate_multiplier"),
          weightDecay: try element.number("weight_decay"), isFrozen: try element.bool("frozen")))
    }
  }
}

extension TrainingRecipe.ScheduleSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    self.init()
    if let kind: LearningRateSchedule.Kind = try section.choice("kind") { self.kind = kind }
    if let learningRate = try section.number("learning_rate") { self.learningRate = learningRate }
    minimum = try section.number("minimum")
    warmupSteps = try section.count("warmup_steps")
    decaySteps = try section.count("decay_steps")
  }
}

extension TrainingRecipe.TrainingSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    let duration = section.required("steps", try section.duration(), "how long to train, in steps, tokens or epochs")
    self.init(duration: duration ?? .steps(0))
    microBatchSize = try section.count("micro_batch_size")
    let sequences = try section.count("global_batch_size")
    let tokens = try section.count("global_batch_tokens")
    if let sequences { globalBatch = .sequences(sequences) }
    if let tokens {
      guard sequences == nil else {
        throw .conflictingSettings(
          location: section.node("global_batch_tokens")?.location, first: "training.global_batch_size",
          second: "training.global_batch_tokens", reason: "one counts sequences, the other tokens of the same batch")
      }
      globalBatch = .tokens(tokens)
    }
    if let precision: PrecisionMode = try section.choice("precision") { self.precision = precision }
    if let seed = try section.count("seed") { self.seed = UInt64(seed) }
    if let clipping = try section.number("gradient_clipping") { gradientClipping = clipping }
    if let recompute: Recompute = try section.choice("recompute") { self.recompute = recompute }
  }
}

extension SettingsSection {
  /// The one of `steps`, `tokens` and `epochs` that is there.
  fileprivate func duration() throws(TrainingError) -> TrainingRecipe.TrainingSection.Duration? {
    let steps = try count("steps")
    let tokens = try count("tokens")
    let epochs = try number("epochs")
    let given = [steps.map { _ in "steps" }, tokens.map { _ in "tokens" }, epochs.map { _ in "epochs" }].compactMap {
      $0
    }
    guard given.count < 2 else {
      throw .conflictingSettings(
        location: node(given[1])?.location, first: "training.\(given[0])", second: "training.\(given[1])",
        reason: "each says how long to train")
    }
    return steps.map { .steps($0) } ?? tokens.map { .tokens($0) } ?? epochs.map { .epochs($0) }
  }
}

extension TrainingRecipe.ValidationSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    self.init()
    if let every = try section.count("every") { self.every = every }
    if let batches = try section.count("batches") { self.batches = batches }
  }
}

extension TrainingRecipe.EvaluationSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    self.init(
      every: section.required("every", try section.count("every"), "steps between two evaluations") ?? 0,
      tasks: section.required("tasks", try section.strings("tasks"), "names of tasks") ?? [],
      data: section.required("data", try section.string("data"), "the directory of the tasks' rows") ?? "")
    limit = try section.count("limit")
  }
}

extension TrainingRecipe.CheckpointsSection {
  fileprivate init(_ section: SettingsSection) throws(TrainingError) {
    self.init()
    if let every = try section.count("every") { self.every = every }
    if let keep = try section.count("keep") { self.keep = keep }
  }
}

extension TrainingRecipe.OutputSection {
  fileprivate init(_ section: SettingsSection, defaultDirectory: String) throws(TrainingError) {
    self.init(directory: try section.string("directory") ?? defaultDirectory)
    if let logEvery = try section.count("log_every") { self.logEvery = logEvery }
  }
}
