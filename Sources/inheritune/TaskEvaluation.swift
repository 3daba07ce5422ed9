import Datasets
import Evaluation
import Files
import Models
import Programs
import Tensors
import Tokenization

/// `eval` on tasks: from the options to the files.
struct TaskEvaluation {
  private let command: EvalCommand
  private let selection: TaskSelection
  private let catalog: TaskCatalog
  private let preset: PaperPreset?
  private let options: EvaluationOptions

  /// Checks everything that can be checked without the model.
  init(_ command: EvalCommand, _ catalog: TaskCatalog) throws {
    self.command = command
    self.catalog = catalog
    if let list = command.tasks ?? (command.preset == nil ? nil : PaperPreset.taskList) {
      selection = try catalog.select(list)
    } else {
      selection = try catalog.select(files: command.taskFile)
    }
    let preset = try command.preset == nil ? nil : PaperPreset(selection, catalog: catalog)
    self.preset = preset
    var options = EvaluationOptions()
    options.limit = command.limit
    options.fewShot = command.numFewshot
    options.fewShotSeed = command.fewshotSeed
    options.bootstrapIterations = command.bootstrapIters
    options.bos = command.bos
    options.keepsDocuments = command.logSamples
    options = preset?.applied(to: options) ?? options
    try options.validate()
    self.options = options
    guard let output = command.output else { return }
    let names = try ResultFiles.names(
      tasks: selection.tasks.map(\.name), hasPreset: preset != nil, logsSamples: command.logSamples)
    // The run that left a journal found none of the others: they are its own, from when it was killed writing them.
    let isContinued = FileTree.exists("\(output)/\(ScoreJournal.fileName)")
    for name in names {
      let path = "\(output)/\(name)"
      if FileTree.isDirectory(path) { throw FileError.notARegularFile(path: path, found: "a directory") }
      let isOwn = command.force || isContinued && name != ResultFiles.results
      if !isOwn, FileTree.exists(path) { throw CommandError.exists(path: path) }
    }
  }

  func run(_ source: ModelSource, _ tokenizer: Tokenizer, _ progress: ProgressLine) throws {
    let evaluator = try Evaluator(
      tokenizer: tokenizer, dataDirectory: command.data ?? "", options: options, catalog: catalog)
    try evaluator.checkFolders(of: selection.tasks)
    let device = try command.makeDevice()
    let journal = try command.output.map { output in
      try FileTree.makeDirectory(output)
      return try ScoreJournal(
        output + "/" + ScoreJournal.fileName, identity: identity(source, tokenizer, device),
        replacesOthers: command.force)
    }
    let store = try command.load(source, device)
    Signals.exitIfStopped(progress)
    let scorer = try command.scorer(source.model, store)
    let journaled = journal.map { JournaledScorer(scorer, journal: $0) }
    let result: EvaluationResult
    do {
      result = try evaluator.evaluate(selection, scorer: journaled ?? scorer) { state in
        // What the journal has is there at once, and says nothing about the time that the rest takes.
        if state.requests > journaled?.reusedCount ?? 0 {
          progress.update("scoring", done: state.tokens, total: state.tokenCount, unit: .tokens)
        }
        if Signals.stop != nil { throw CancellationError() }
      }
    } catch is CancellationError {
      return Signals.exitIfStopped(progress, journal == nil ? nil : "the same command goes on from here")
    }
    progress.clear()
    note(result, journaled, journal, progress)
    try report(
      EvaluationReport(result, model: description(source.model, store), preset: preset), journal, progress)
  }

  private func note(
    _ result: EvaluationResult, _ journaled: JournaledScorer?, _ journal: ScoreJournal?, _ progress: ProgressLine
  ) {
    if let journaled, let journal, journaled.reusedCount > 0 || journal.damagedCount > 0 {
      let damaged = journal.damagedCount
      progress.print(
        "resumed: \(Format.count(journaled.reusedCount, "request")) scored before, from \(journal.path)"
          + (damaged > 0 ? "; \(Format.count(damaged, "damaged record")) left out" : ""))
    }
    progress.print("note: \(result.bosNote)")
    for note in result.notes { progress.print("note: \(Format.printable(note))") }
  }

  private func report(_ report: EvaluationReport, _ journal: ScoreJournal?, _ progress: ProgressLine) throws {
    // Printed first: on a full disk, what was measured is not lost.
    if command.json {
      print(JSON.object(report.results).serialized())
    } else {
      print(report.headline)
      print(report.table)
      if let table = report.presetTable { print(table, terminator: "") }
    }
    StandardOutput.flush()
    guard let output = command.output else { return }
    let paths = try report.write(to: output, logsSamples: command.logSamples)
    try journal?.remove()
    // An evaluation of MMLU has 57 files with samples.
    let rest = paths.count - 4
    let more = rest > 0 ? " and \(Format.count(rest, "more file"))" : ""
    progress.print("written: \(Format.printable(paths.prefix(4).joined(separator: ", ")))\(more)")
  }

  // MARK: What is said of the model

  private func description(_ model: Model, _ store: ParameterStore) -> ModelDescription {
    ModelDescription(
      name: command.model ?? "", parameterCount: model.parameterCount,
      dtype: command.precision.precision == .tfloat32 ? "tfloat32" : "\(store.precision.compute)",
      device: store.device.info.name, batchSize: command.batchSize.map(String.init) ?? "auto",
      version: Inheritune.version)
  }

  /// Everything that a score depends on besides the request: scores of another identity are another model's.
  private func identity(_ source: ModelSource, _ tokenizer: Tokenizer, _ device: any Device) throws -> JSONObject {
    let stamps = try source.checkpoint.files.map { try FileStamp($0).description }
    return [
      "version": .string(Inheritune.version),
      "weights": .string(SHA256.hex(of: stamps.joined(separator: "\n"))),
      "config": .string(SHA256.hex(of: JSON.object(source.model.configuration).serialized(sortKeys: true))),
      "tokenizer": .string(try DatasetDescription.tokenizerHash(of: tokenizer.files)),
      // The number of a CPU's threads changes nothing but rounding.
      "device": .string(device.info.isAccelerator ? device.info.name : "CPU"),
      "precision": .string("\(command.computePrecision(source, device))"),
      "vocabulary": .integer(Int64(source.model.vocabularySize)),
      "context": .integer(Int64(source.model.contextLength)),
    ]
  }
}
