import Datasets
import Files
import Models
import Profiling
import Programs
import Tensors

/// A training run on one device: loads what the recipe names, or the newest checkpoint of the run directory, and
/// trains.
///
/// Bit for bit the same on the same device with the same number of threads and the same choice of what multiplies
/// matrices, whether it was interrupted or not. Nothing waits for the device within a step; metrics are read on the
/// steps that are logged.
public final class Trainer {
  public enum Resume: String, Sendable, CaseIterable {
    /// From the newest checkpoint; from the beginning where there is none.
    case auto
    /// From the beginning; an error where there is a run already.
    case never
    /// From the newest checkpoint; an error where there is none.
    case require
  }

  public struct Options {
    public var resume = Resume.auto
    /// Of the program, for the checkpoints' inheritune.json.
    public var version = ""
    /// Floating-point operations the device can do in a second; MFU is reported where it is known.
    public var peakOperationsPerSecond: Double?
    /// Hash of a directory's tokenizer as `prepare` notes it beside the tokens (`DatasetDescription.tokenizerHash`);
    /// when it is given, tokens of another tokenizer are noticed.
    public var tokenizerHash: ((_ directory: String) throws -> String?)?
    /// Scores the model at the recipe's `evaluation`.
    public var evaluate: EvaluationHook?
    /// Counts where the time of the steps goes, when the device is a `ProfilingDevice` with the same profiler; the
    /// result is in the outcome, and in the run directory.
    public var profiler: StepProfiler?

    public init() {}
  }

  public let recipe: TrainingRecipe
  public let model: Model
  /// The weights, shared by all programs of the run.
  public let store: ParameterStore
  public let summary: TrainSummary

  let options: Options
  let device: any Device
  let directory: RunDirectory
  let data: TrainingData
  let batch: BatchShape
  let schedule: LearningRateSchedule
  let program: TrainingProgram
  let lossProgram: LossProgram
  let optimizer: OptimizerProgram
  let metrics: MetricsFile
  /// Of the forward and backward pass without recomputation, for MFU.
  let operationsPerToken: Double
  /// Where the tokenizer is that goes into the checkpoints: where the run got it, then in its newest checkpoint.
  private(set) var tokenizerDirectory: String?
  private let provenance: JSONObject
  private let recipeText: String

  /// Steps done, and tokens trained on.
  var step: Int
  var tokens: Int
  /// Wall-clock time of earlier sessions.
  let earlierSeconds: Double
  let begin = ContinuousClock.now
  /// The step of the newest checkpoint.
  private(set) var savedStep: Int?
  /// Of a validation batch.
  let validationMemory: BatchMemory

  /// Loads and checks everything, so that what is wrong shows before the first step.
  /// - Parameter start: makes the first weights; not called when the run goes on from a checkpoint.
  /// - Throws: `TrainingError`, and the errors of data, models, checkpoints and devices.
  public init(
    _ recipe: TrainingRecipe, device: any Device, options: Options = Options(), start: () throws -> StartingPoint
  ) throws {
    try recipe.validate()
    var recipe = recipe
    recipe.data = try recipe.data.resolvingWeights()
    directory = try RunDirectory(recipe.output.directory)
    let (checkpoint, problems) = try Trainer.checkpoint(in: directory, options.resume)
    let changes =
      try checkpoint.map { try RecipeChange.changes(from: $0.recipe, to: recipe, checkpoint: $0.path) } ?? []
    let origin = try checkpoint?.startingPoint ?? start()
    let model = origin.model

    batch = try BatchShape(recipe, sequenceLength: recipe.sequenceLength(of: model))
    let groups = try OptimizerGroups(recipe.optimizer, model: model)
    data = try TrainingData(recipe, model: model, batch: batch)
    let totalSteps = try recipe.training.duration.steps(batch: batch, tokensPerEpoch: data.batches.tokensPerEpoch)
    schedule = try LearningRateSchedule(recipe.schedule, totalSteps: totalSteps)
    if let checkpoint { try data.restore(checkpoint.state.loader, fingerprints: checkpoint.state.fingerprints) }
    var notes = problems.map { "passed over a damaged checkpoint: \($0)" } + data.notes
    if let tokenizer = origin.tokenizerDirectory, let hash = try options.tokenizerHash?(tokenizer) {
      notes += data.tokenizerNotes(hash: hash, directory: tokenizer)
    }

    let (rows, length) = (batch.microBatch, batch.sequenceLength)
    let process = ProcessMemory.expected(on: device.info)
    store = try origin.makeStore(device, Trainer.precision(recipe, on: device.info), groups.group)
    let masksDocuments = recipe.data.documentMasking == .attention
    program = try TrainingProgram(
      model, store: store, rows: rows, length: length, recompute: recipe.recompute(on: device.info),
      masksDocuments: masksDocuments)
    lossProgram = try LossProgram(model, store: store, rows: rows, length: length, masksDocuments: masksDocuments)
    let settings = recipe.optimizer
    optimizer = try OptimizerProgram(
      store: store, beta1: settings.beta1, beta2: settings.beta2, epsilon: Float(settings.epsilon))
    operationsPerToken = try TrainingPlan(
      model, rows: rows, length: length, recompute: .none, group: groups.group
    ).floatingPointOperationsPerToken

    options.profiler?.setParameters(store.tensors)

    try Trainer.save(recipe, in: directory, batch: batch, schedule: schedule)
    metrics = try MetricsFile(directory.metricsPath, keepingUpTo: checkpoint?.step)
    summary = TrainSummary(
      directory: directory.path, device: device.info.name, precision: store.precision,
      parameterCount: store.parameterCount, batch: batch, schedule: schedule,
      totalSteps: totalSteps, memory: program.memory.withProcess(process),
      resumed: checkpoint.map { ($0.path, $0.step) },
      changes: changes,
      notes: notes)
    self.recipe = recipe
    self.model = model
    self.options = options
    self.device = device
    tokenizerDirectory = origin.tokenizerDirectory
    provenance = origin.provenance
    recipeText = recipe.yaml()
    step = checkpoint?.step ?? 0
    tokens = checkpoint?.tokens ?? 0
    earlierSeconds = checkpoint?.state.seconds ?? 0
    savedStep = checkpoint?.step
    validationMemory = BatchMemory(rows: rows, length: length, documentStarts: masksDocuments)
  }

  /// - Throws: `TrainingError.invalidSetting` for what the device does not compute.
  private static func precision(_ recipe: TrainingRecipe, on device: DeviceInfo) throws(TrainingError) -> Precision {
    let precision = recipe.precision(on: device)
    for (key, dtype, known) in [
      ("training.precision", precision.compute, device.dtypes),
      ("optimizer.moments", precision.moments, device.momentTypes),
    ] where !known.contains(dtype) {
      throw .invalidSetting(
        location: nil, key: key, found: "\(dtype)",
        expected: "float32 on this device, \(device.name), or another device: --device cuda")
    }
    return precision
  }

  private static func checkpoint(
    in directory: RunDirectory, _ resume: Resume
  ) throws -> (checkpoint: TrainingCheckpoint?, problems: [String]) {
    if let file = try resume == .never ? directory.existingFile() : directory.foreignFile() {
      throw TrainingError.runExists(directory: directory.path, found: file)
    }
    guard resume != .never else { return (nil, []) }
    let found = try TrainingCheckpoint.newest(in: directory)
    if resume == .require, found.checkpoint == nil { throw TrainingError.nothingToResume(directory: directory.path) }
    return found
  }

  /// Saves the recipe where the run is, with what follows from it.
  private static func save(
    _ recipe: TrainingRecipe, in directory: RunDirectory, batch: BatchShape, schedule: LearningRateSchedule
  ) throws {
    let decay = schedule.decaySteps > 0 ? ", \(schedule.decaySteps) of decay" : ""
    let text = recipe.yaml(comments: [
      RunDirectory.recipeMark,
      "\(schedule.totalSteps) steps of \(batch.globalBatch) × \(batch.sequenceLength) = \(batch.tokensPerStep) tokens, "
        + "\(batch.microBatch) sequences at once; \(schedule.warmupSteps) steps of warm-up\(decay), "
        + "learning rate \(schedule.peak) to \(schedule.minimum).",
    ])
    try AtomicFile.write(directory.recipePath) { try $0.write(text) }
  }

  // MARK: Checkpoints

  var lastCheckpoint: String? { savedStep.map(directory.checkpointPath) }

  /// Wall-clock time of all sessions.
  var seconds: Double { earlierSeconds + (ContinuousClock.now - begin).seconds }

  /// Points `latest` to the newest checkpoint, and removes the oldest ones. Done again at the start of a run: a session
  /// may have been killed in between.
  func tidy() throws {
    guard let savedStep else { return }
    try directory.pointLatest(to: savedStep)
    try directory.prune(upTo: savedStep, keeping: recipe.checkpoints.keep)
  }

  /// Saves a checkpoint of this step, points `latest` to it, and only then removes the oldest ones.
  func save() throws {
    try checkFinite()
    // Its metrics are on the disk before the checkpoint is, so that no step is ever without.
    try metrics.synchronize()
    let state = TrainingState(
      step: step, tokens: tokens, seconds: seconds, learningRate: schedule.learningRate(at: max(step, 1)),
      totalSteps: schedule.totalSteps, loader: data.batches.state, fingerprints: data.fingerprints,
      recipeHash: SHA256.hex(of: recipeText))
    let contents = TrainingCheckpoint.Contents(
      model: model, store: store, state: state, recipe: recipeText, tokenizerDirectory: tokenizerDirectory,
      provenance: provenance, version: options.version)
    let path = directory.checkpointPath(step: step)
    try TrainingCheckpoint.write(contents, to: path)
    savedStep = step
    // A run that goes on has it from a checkpoint, and that one may be removed next.
    if tokenizerDirectory != nil { tokenizerDirectory = path }
    try tidy()
  }

  /// Throws when the weights are no longer numbers: nothing is saved then.
  private func checkFinite() throws {
    let sum = Tensor(address: try device.allocate(bytes: 64), rows: 1, columns: 1)
    defer { device.release(sum.address) }
    for group in store.groups { device.sumOfSquares(sum, group.master ?? group.parameters) }
    var value: Float = 0
    try withUnsafeMutableBytes(of: &value) { try device.download(sum, to: $0) }
    guard value.isFinite else { throw nonFinite("the sum of the squared weights", Double(value)) }
  }

  func nonFinite(_ what: String, _ value: Double) -> TrainingError {
    .nonFinite(
      step: step, what: what, value: "\(value)", lastCheckpoint: lastCheckpoint,
      learningRate: schedule.learningRate(at: max(step, 1)))
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
