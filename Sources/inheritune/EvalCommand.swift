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
        inheritune eval ./child --text book.txt
        inheritune eval ./child --tokens data/redpajama
      """)

  @Argument(help: "A model directory, weights file or hub id.")
  var model: String?

  @Option(help: ArgumentHelp("Task names, groups and globs, separated by commas; or list.", valueName: "list"))
  var tasks: String?

  @Option(help: ArgumentHelp("The directory with the tasks' rows.", valueName: "dir"))
  var data: String?

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Text files for word and byte perplexity.", valueName: "file"))
  var text: [String] = []

  @Option(help: ArgumentHelp("Tokens for the validation loss: a directory, a file or a pattern.", valueName: "path"))
  var tokens: String?

  @Option(help: ArgumentHelp("Few-shot examples.", valueName: "n"))
  var numFewshot: Int?

  @Option(help: ArgumentHelp("Rows of a task: a number, or below 1 a fraction.", valueName: "n"))
  var limit: Double?

  @Option(help: ArgumentHelp("Where results.json and table.md go.", valueName: "dir"))
  var output: String?

  @Flag(help: "Also write documents.jsonl and the harness's sample rows to --output.")
  var logSamples = false

  @Option(
    help: ArgumentHelp(
      "auto, yes or no: whether texts begin with BOS; auto as the tokenizer does.", valueName: "policy"))
  var bos = BOSPolicy.auto

  @Option(help: ArgumentHelp("Tokens of a batch, padding included; 2048, or 16384 on a GPU.", valueName: "n"))
  var batchTokens: Int?

  @Option(help: ArgumentHelp("Sequences of a batch at most.", valueName: "n"))
  var batchSize: Int?

  @Option(
    help: ArgumentHelp("Replicates behind the standard error of perplexities; 0 for none at all.", valueName: "n"))
  var bootstrapIters = 100_000

  @Flag(help: "Replace results that are in --output.")
  var force = false

  @Flag(help: "One JSON object instead of a table.")
  var json = false

  @OptionGroup var files: ModelOptions
  @OptionGroup var precision: PrecisionOptions
  @OptionGroup var device: DeviceOptions

  func validate() throws {
    if tasks == "list" { return }
    guard model != nil else { throw ValidationError("expected a model to evaluate") }
    let modes = [tasks != nil, !text.isEmpty, tokens != nil].filter { $0 }.count
    guard modes == 1 else {
      throw ValidationError("expected one of --tasks, --text and --tokens, found \(modes == 0 ? "none" : "\(modes)")")
    }
    if tasks == nil {
      let given = [
        ("--data", data != nil), ("--num-fewshot", numFewshot != nil), ("--limit", limit != nil),
        ("--output", output != nil), ("--log-samples", logSamples),
      ]
      if let (name, _) = given.first(where: \.1) { throw ValidationError("\(name): goes with --tasks only") }
    }
    if tasks != nil, data == nil { throw ValidationError("--tasks: expected --data DIR, where the rows are") }
    if logSamples, output == nil { throw ValidationError("--log-samples: expected --output DIR to write to") }
  }

  func run() throws {
    if tasks == "list" { return print(TaskCatalog.builtIn.listing, terminator: "") }
    guard let model else { return }
    // What costs nothing is checked before the weights are loaded.
    let chosen = try tasks.map { try TaskCatalog.builtIn.select($0) }
    if let output, !force, FileTree.exists(output + "/results.json") {
      throw CommandError.exists(path: output + "/results.json")
    }
    try evaluationOptions.validate()
    if let output { try FileTree.makeDirectory(output) }
    Signals.install()
    let source = try files.open(model)
    let progress = ProgressLine()
    if let tokens { return try evaluateTokens(tokens, source, progress) }
    let tokenizer = try ModelOptions.tokenizer(of: source)
    let store = try load(source)
    let scorer = try ProgramScorer(
      model: source.model, store: store, batchTokens: batchTokens(store), batchRows: batchSize)
    if let chosen {
      let description = ModelDescription(
        name: model, parameterCount: source.model.parameterCount,
        dtype: precision.precision == .tfloat32 ? "tfloat32" : "\(store.precision.compute)",
        device: store.device.info.name,
        batchSize: batchSize.map(String.init) ?? "auto", version: Inheritune.version)
      try evaluate(chosen, tokenizer: tokenizer, scorer: scorer, description, progress)
    } else {
      try evaluateText(RequestEncoder(tokenizer: tokenizer, bos: bos), scorer: scorer, progress)
    }
  }

  private func load(_ source: ModelSource) throws -> ParameterStore {
    let device = try device.makeDevice(precision.precision)
    return try ParameterStore.load(
      source.model, from: source.checkpoint, device: device, precision: precision.precision.precision(on: device.info))
  }

  private func batchTokens(_ store: ParameterStore) -> Int {
    batchTokens ?? store.device.info.evaluationBatchTokens
  }

  // MARK: Tasks

  private func evaluate(
    _ tasks: [any EvaluationTask], tokenizer: Tokenizer, scorer: ProgramScorer, _ description: ModelDescription,
    _ progress: ProgressLine
  ) throws {
    let evaluator = try Evaluator(tokenizer: tokenizer, dataDirectory: data ?? "", options: evaluationOptions)
    let result = try evaluator.evaluate(tasks, scorer: scorer) { state in
      progress.update(
        "\(state.task) (\(state.taskNumber) of \(state.taskCount))", done: state.done, total: state.total,
        unit: .requests)
      Signals.exitIfStopped(progress)
    }
    progress.clear()
    for note in result.notes { progress.print("note: \(note)") }
    let report = EvaluationReport(result, model: description)
    // Printed first: on a full disk, what was measured is not lost.
    if json {
      print(JSON.object(report.results).serialized())
    } else {
      print(report.headline)
      print(report.table)
    }
    StandardOutput.flush()
    guard let output else { return }
    let paths = try report.write(to: output, logsSamples: logSamples)
    progress.print("written: \(paths.joined(separator: ", "))")
  }

  private var evaluationOptions: EvaluationOptions {
    var options = EvaluationOptions()
    options.limit = limit
    options.fewShot = numFewshot
    options.bootstrapIterations = bootstrapIters
    options.bos = bos
    options.keepsDocuments = logSamples
    return options
  }

  // MARK: Text and tokens

  private func evaluateText(_ encoder: RequestEncoder, scorer: ProgramScorer, _ progress: ProgressLine) throws {
    let result = try TextPerplexity.measure(text, encoder: encoder, scorer: scorer) { done, total in
      progress.update("text", done: done, total: total, unit: .windows)
      Signals.exitIfStopped(progress)
    }
    progress.clear()
    if json {
      return print(
        JSON.object(["files": .array(result.files.map { .object($0.json) }), "total": .object(result.total.json)])
          .serialized())
    }
    let rows = result.files.count == 1 ? result.files : result.files + [result.total]
    print(
      Format.table(
        [["text", "tokens", "loss", "token ppl", "word ppl", "byte ppl", "bits/byte"]]
          + rows.map {
            [
              $0.path, Format.count($0.tokens), $0.loss.formatted(4), Format.perplexity($0.tokenPerplexity),
              Format.perplexity($0.wordPerplexity), $0.bytePerplexity.formatted(4), $0.bitsPerByte.formatted(4),
            ]
          }))
  }

  private func evaluateTokens(_ path: String, _ source: ModelSource, _ progress: ProgressLine) throws {
    let files = try TokenSource(paths: [path], split: .validation).files
    for file in files { try file.validate(vocabularySize: source.model.vocabularySize) }
    let store = try load(source)
    let results = try files.map { file in
      try TokenLoss.measure(
        count: file.count, model: source.model, store: store, batchTokens: batchTokens(store),
        copy: { try file.copy($0, to: $1) },
        progress: { done, total in
          progress.update("tokens", done: done, total: total, unit: .windows)
          Signals.exitIfStopped(progress)
        })
    }
    progress.clear()
    let total = results.count == 1 ? results[0] : TokenLoss(total: results)
    if json {
      var object = total.json
      if results.count > 1 {
        object["files"] = .array(
          zip(files, results).map { file, result in
            var entry: JSONObject = ["path": .string(file.path)]
            for (key, value) in result.json { entry[key] = value }
            return .object(entry)
          })
      }
      return print(JSON.object(object).serialized())
    }
    if results.count > 1 {
      print(
        Format.table(
          [["file", "tokens", "loss", "perplexity"]]
            + zip(files, results).map { file, result in
              [file.path, Format.count(result.tokens), result.loss.formatted(4), Format.perplexity(result.perplexity)]
            }))
      print("")
    }
    print("loss        \(total.loss.formatted(4)) nats a token")
    print("perplexity  \(Format.perplexity(total.perplexity))")
    print(
      "tokens      \(Format.count(total.tokens)) in \(Format.count(total.windows)) windows of \(total.contextLength)"
    )
  }
}

extension DeviceInfo {
  /// Tokens of a batch, where nobody says.
  var evaluationBatchTokens: Int { isAccelerator ? 16384 : 2048 }
}

extension BOSPolicy: ExpressibleByArgument {}
