import ArgumentParser
import Checkpoints
import Datasets
import Evaluation
import Files
import Models
import Programs
import Tensors
import Tokenization

struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Scores a checkpoint: tasks as lm-evaluation-harness has them, text, or prepared tokens.",
    discussion: """
      Rows of a task are DIR/<task>/<split>.jsonl with the Hugging Face columns. --tasks list prints the tasks.

        inheritune eval ./child --tasks 'piqa,arc_*' --data eval-data --output results
        inheritune eval ./child --preset paper --data eval-data --output results
        inheritune eval ./child --text book.txt
        inheritune eval ./child --tokens data/redpajama
      """)

  @Argument(help: "A model directory, weights file or hub id.")
  var model: String?

  @Option(help: ArgumentHelp("Task names, groups and globs, separated by commas; or list.", valueName: "list"))
  var tasks: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "A task or group as lm-eval's YAML has it; repeatable. Beside --tasks or --preset it is run where they name it.",
      valueName: "file"))
  var taskFile: [String] = []

  @Option(help: "paper: the ten columns of Inheritune's table, under its conditions.")
  var preset: Preset?

  @Option(help: ArgumentHelp("The directory with the tasks' rows.", valueName: "dir"))
  var data: String?

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Text files for word and byte perplexity.", valueName: "file"))
  var text: [String] = []

  @Option(help: ArgumentHelp("Tokens for the validation loss: a directory, a file or a pattern.", valueName: "path"))
  var tokens: String?

  @Option(help: ArgumentHelp("Few-shot examples.", valueName: "n"))
  var numFewshot: Int?

  @Option(help: ArgumentHelp("Seed of the few-shot draws.", valueName: "n"))
  var fewshotSeed = EvaluationOptions().fewShotSeed

  @Option(help: ArgumentHelp("Rows of a task: a number, or below 1 a fraction.", valueName: "n"))
  var limit: Double?

  @Option(
    help: ArgumentHelp(
      "Where results.json and table.md go; an evaluation that was stopped goes on from here.", valueName: "dir"))
  var output: String?

  @Flag(help: "Also write documents.jsonl and the harness's sample rows to --output.")
  var logSamples = false

  @Option(
    help: ArgumentHelp(
      "auto, yes or no: whether texts begin with BOS; auto as the tokenizer does.", valueName: "policy"))
  var bos = BOSPolicy.auto

  @Option(help: ArgumentHelp("Tokens of a batch, at most; 2048, or 16384 on a GPU.", valueName: "n"))
  var batchTokens: Int?

  @Option(help: ArgumentHelp("Sequences of a batch at most.", valueName: "n"))
  var batchSize: Int?

  @Option(
    help: ArgumentHelp("Replicates behind the standard error of perplexities; 0 for none at all.", valueName: "n"))
  var bootstrapIters = EvaluationOptions().bootstrapIterations

  @Flag(help: "Replace results that are in --output.")
  var force = false

  @Flag(help: "One JSON object instead of a table.")
  var json = false

  @OptionGroup var files: ModelOptions
  @OptionGroup var precision: PrecisionOptions
  @OptionGroup var device: DeviceOptions

  enum Preset: String, ExpressibleByArgument, CaseIterable {
    case paper
  }

  private var scoresTasks: Bool { tasks != nil || preset != nil || !taskFile.isEmpty }

  func validate() throws {
    if tasks == "list" { return }
    guard model != nil else { throw ValidationError("expected a model to evaluate") }
    let modes = [scoresTasks, !text.isEmpty, tokens != nil].filter { $0 }.count
    guard modes == 1 else {
      throw ValidationError("expected one of --tasks, --text and --tokens, found \(modes == 0 ? "none" : "\(modes)")")
    }
    if !scoresTasks {
      let given = [
        ("--data", data != nil), ("--num-fewshot", numFewshot != nil), ("--limit", limit != nil),
        ("--output", output != nil), ("--log-samples", logSamples), ("--force", force),
        ("--fewshot-seed", fewshotSeed != EvaluationOptions().fewShotSeed),
        ("--bootstrap-iters", bootstrapIters != EvaluationOptions().bootstrapIterations),
      ]
      if let (name, _) = given.first(where: \.1) { throw ValidationError("\(name): goes with --tasks only") }
    }
    if scoresTasks, data == nil { throw ValidationError("--tasks: expected --data DIR, where the rows are") }
    if tokens != nil, let (name, _) = [("--bos", bos != .auto), ("--batch-size", batchSize != nil)].first(where: \.1) {
      throw ValidationError("\(name): goes with --tasks and --text only")
    }
    if output == "" { throw ValidationError("--output: expected the name of a directory") }
    if logSamples, output == nil { throw ValidationError("--log-samples: expected --output DIR to write to") }
    if preset != nil {
      if numFewshot != nil { throw ValidationError("--preset paper: has its own --num-fewshot") }
      if bos != .auto { throw ValidationError("--preset paper: has its own --bos") }
    }
  }

  func run() throws {
    let catalog = try TaskCatalog.builtIn.adding(files: taskFile)
    if tasks == "list" { return print(try catalog.listing(), terminator: "") }
    guard let model else { return }
    // What costs nothing is checked before the weights are loaded.
    let evaluation = try scoresTasks ? TaskEvaluation(self, catalog) : nil
    Signals.install()
    let source = try files.open(model)
    let progress = ProgressLine()
    if let tokens { return try evaluateTokens(tokens, source, progress) }
    let tokenizer = try ModelOptions.tokenizer(of: source)
    if let evaluation { return try evaluation.run(source, tokenizer, progress) }
    try evaluateText(
      RequestEncoder(tokenizer: tokenizer, bos: bos), scorer: scorer(source.model, load(source, makeDevice())), progress
    )
  }

  func makeDevice() throws -> any Device { try device.makeDevice(precision.precision) }

  func load(_ source: ModelSource, _ device: any Device) throws -> ParameterStore {
    try ParameterStore.load(
      source.model, from: source.checkpoint, device: device, precision: computePrecision(source, device))
  }

  func computePrecision(_ source: ModelSource, _ device: any Device) -> Precision {
    precision.precision.precision(on: device.info, weights: source.model.narrowWeights(of: source.checkpoint))
  }

  func scorer(_ model: Model, _ store: ParameterStore) throws -> ProgramScorer {
    try ProgramScorer(model: model, store: store, batchTokens: batchTokens(store), batchSequences: batchSize)
  }

  func batchTokens(_ store: ParameterStore) -> Int { batchTokens ?? store.device.info.evaluationBatchTokens }
}

extension DeviceInfo {
  /// Tokens of a batch, where nobody says.
  var evaluationBatchTokens: Int { isAccelerator ? 16384 : 2048 }
}

extension BOSPolicy: ExpressibleByArgument {}
