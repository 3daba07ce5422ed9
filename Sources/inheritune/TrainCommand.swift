import ArgumentParser
import Datasets
import Evaluation
import Files
import Models
import Profiling
import Programs
import Tensors
import Tokenization
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a model from a YAML file, or goes on with a run.",
    discussion: """
      SIGINT and SIGTERM finish the step, save and leave; the same command goes on from there. SIGUSR1 saves and goes on.

        inheritune train configs/openllama-1.5b.yaml --set training.micro_batch_size=4
      """)

  @Argument(help: "The YAML file.")
  var config: String

  @Option(help: ArgumentHelp("Change a setting: training.steps=100 (repeatable).", valueName: "key=value"))
  var set: [String] = []

  @Option(
    help: ArgumentHelp("auto, never or require: whether to go on from the run's newest checkpoint.", valueName: "when"))
  var resume = Trainer.Resume.auto

  @Flag(help: "Print parameters, memory and time, and exit.")
  var dryRun = false

  @Flag(help: "Show at the end where the time of the steps went, kernel by kernel; also in the run's profile.json.")
  var profile = false

  @Flag(help: "One JSON object at the end instead of prose.")
  var json = false

  @OptionGroup var device: DeviceOptions

  func validate() throws {
    if profile, dryRun { throw ValidationError("--profile: a dry run has no steps") }
  }

  func run() throws {
    let recipe = try TrainingRecipe.load(config, overrides: set)
    var device = try device.makeDevice(recipe.training.precision, tunes: !dryRun)
    if dryRun {
      let report = try PlanReport(recipe, device: device)
      return print(json ? JSON.object(report.json).serialized() : report.text)
    }
    Signals.install()
    let display = TrainDisplay()
    var options = Trainer.Options()
    options.resume = resume
    options.version = Inheritune.version
    // The peak is that of bfloat16.
    if recipe.training.precision.precision(on: device.info).compute == .bfloat16 {
      options.peakOperationsPerSecond = device.info.peakOperationsPerSecond
    }
    options.tokenizerHash = { try DatasetDescription.tokenizerHash(of: Tokenizer.load(directory: $0).files) }
    if profile {
      let profiler = try StepProfiler(of: device)
      device = ProfilingDevice(device, profiler)
      options.profiler = profiler
    }
    if let section = recipe.evaluation { options.evaluate = try InRunEvaluation(section).evaluate }
    let trainer = try Trainer(recipe, device: device, options: options) { try recipe.startingPoint() }
    let outcome = try trainer.run { event in
      display.show(event)
      if Signals.stop != nil { return .stop }
      return Signals.takeSaveRequest() ? .save : .proceed
    }
    display.end(outcome)
    if json {
      var object: JSONObject = [
        "directory": .string(recipe.output.directory), "finished": .bool(outcome.isFinished),
        "step": .integer(Int64(outcome.step)), "checkpoint": outcome.checkpoint.map(JSON.string) ?? .null,
      ]
      if profile { object["profile"] = outcome.profile.map { .object($0.json) } ?? .null }
      print(JSON.object(object).serialized())
    } else if profile {
      print(
        outcome.profile?.text
          ?? "no profile: the run was over before its step \(StepProfiler.warmUpSteps + 1), the first that counts")
    }
    if !outcome.isFinished { throw ExitCode(Signals.stopStatus ?? 1) }
  }
}

extension Trainer.Resume: ExpressibleByArgument {}

/// Scores the model on tasks inside a run.
struct InRunEvaluation {
  private let tasks: TaskSelection

  /// - Throws: `EvaluationError` for unknown tasks: before the first step, not at the first evaluation.
  init(_ section: TrainingRecipe.EvaluationSection) throws {
    tasks = try TaskCatalog.builtIn.select(section.tasks.joined(separator: ","))
  }

  func evaluate(_ request: EvaluationRequest) throws -> [JSONObject] {
    guard let directory = request.tokenizerDirectory else { throw CommandError.noTokenizer(model: "the run's model") }
    var options = EvaluationOptions()
    options.limit = request.section.limit.map(Double.init)
    let evaluator = try Evaluator(
      tokenizer: Tokenizer.load(directory: directory), dataDirectory: request.section.data, options: options)
    let scorer = try ProgramScorer(
      model: request.model, store: request.store, batchTokens: request.store.device.info.evaluationBatchTokens)
    let result = try evaluator.evaluate(tasks, scorer: scorer)
    let tasks = result.tasks.map { task in
      (task.configuration.name, task.metrics.map { ($0.metric.name, $0.value, $0.standardError) })
    }
    let groups = result.groups.filter { !$0.metrics.isEmpty }.map { group in
      (group.group.name, group.metrics.map { ($0.name, $0.value, $0.standardError) })
    }
    return (tasks + groups).map { name, metrics in
      var line: JSONObject = ["task": .string(name)]
      for (metric, value, error) in metrics {
        line[metric] = .number(value)
        line[metric + "_stderr"] = error.map(JSON.number) ?? .null
      }
      return line
    }
  }
}
