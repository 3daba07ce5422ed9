import ArgumentParser
import Datasets
import Files
import Tokenization

struct PrepareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare",
    abstract: "Text becomes tokens: train.bin, validation.bin and dataset.json.",
    discussion: """
      Reads .txt and .jsonl files, each also .gz or .zst, directories and patterns. Interrupted and run again, it goes on.

        inheritune prepare 'corpus/*.jsonl.zst' --tokenizer ./open_llama_3b --output data/owt --max-tokens 1B

      Domains become a mixture: a directory for each, and their weights in dataset.json. --max-tokens is shared out by weight.

        inheritune prepare --tokenizer ./open_llama_3b --output data/redpajama --max-tokens 1B \
          --domain arxiv=2.5:'redpajama/arxiv/*.jsonl.zst' --domain c4=15:'redpajama/c4/*.jsonl.zst'
      """)

  @Argument(help: ArgumentHelp("Files, directories and patterns.", valueName: "input"))
  var inputs: [String] = []

  @Option(
    help: ArgumentHelp("A domain of a mixture: NAME=WEIGHT:GLOB. Can be repeated.", valueName: "domain"),
    transform: { try DomainInputs(parsing: $0) })
  var domain: [DomainInputs] = []

  @Flag(help: "Leave domains without input out; their share goes to the others.")
  var skipMissingDomains = false

  @Option(help: ArgumentHelp("A directory with the tokenizer's files.", valueName: "dir"))
  var tokenizer: String

  @Option(help: ArgumentHelp("The directory to write.", valueName: "dir"))
  var output: String

  @Option(help: ArgumentHelp("bin (nanoGPT's) or hdf5: the kind of token files.", valueName: "kind"))
  var format = OutputFormat.bin

  @Option(help: ArgumentHelp("The key of a JSON line that holds the text.", valueName: "key"))
  var textKey = "text"

  @Option(help: ArgumentHelp("What stands between the documents of a .txt file.", valueName: "text"))
  var documentDelimiter: String?

  @Option(help: ArgumentHelp("append, prepend or none: where the end-of-text token goes.", valueName: "side"))
  var documentSeparator = DocumentSeparator.append

  @Option(help: ArgumentHelp("The share of the documents that becomes validation data.", valueName: "share"))
  var validationFraction = 0.0005

  @Option(
    help: ArgumentHelp("A random sample of so many tokens, by document: 1B, 500M, 1e9.", valueName: "n"))
  var maxTokens: TokenNumber?

  @Option(help: ArgumentHelp("Chooses the sample and the validation documents.", valueName: "n"))
  var sampleSeed: UInt64 = 2357

  @Flag(help: "Leave out documents whose text has been there before.")
  var deduplicate = false

  @Option(
    help: ArgumentHelp("Documents that cannot be read are listed in bad-lines.txt; more are an error.", valueName: "n"))
  var maxBadLines = 0

  @Option(help: ArgumentHelp("Threads that tokenize; all cores by default.", valueName: "n"))
  var workers: Int?

  @Flag(help: "Replace what is in the output directory.")
  var force = false

  @Flag(help: "One JSON object instead of prose.")
  var json = false

  func validate() throws {
    guard inputs.isEmpty != domain.isEmpty else {
      throw ValidationError(
        inputs.isEmpty ? "Missing expected argument '<input> ...', or --domain" : "Give inputs or --domain, not both")
    }
    guard !skipMissingDomains || !domain.isEmpty else {
      throw ValidationError("--skip-missing-domains is about --domain")
    }
  }

  func run() throws {
    Signals.install()
    let tokenizer = try Tokenizer.load(directory: tokenizer)
    let progress = ProgressLine()
    for warning in tokenizer.warnings { progress.print("warning: \(warning)") }
    if !domain.isEmpty {
      try prepareMixture(tokenizer, progress)
    } else if format == .hdf5 {
      try prepareHDF5(tokenizer, progress)
    } else {
      try prepare(tokenizer, progress)
    }
  }

  private var options: PreparationOptions {
    var options = PreparationOptions()
    options.textKey = textKey
    options.documentDelimiter = documentDelimiter
    options.separator = documentSeparator
    options.validationFraction = validationFraction
    options.maximumTokens = maxTokens?.count
    options.seed = sampleSeed
    options.deduplicates = deduplicate
    options.maximumBadLines = maxBadLines
    options.workers = workers ?? DeviceOptions.availableThreads
    options.replacesExisting = force
    return options
  }

  private func prepare(_ tokenizer: Tokenizer, _ progress: ProgressLine) throws {
    let preparation = try Preparation(inputs: inputs, tokenizer: tokenizer, output: output, options: options)
    if preparation.isResumed { progress.print("goes on where it was interrupted") }
    let description = try finish(progress) { try preparation.run { decide(progress, $0, "prepare") } }
    report([description], names: nil, progress)
  }

  private func prepareHDF5(_ tokenizer: Tokenizer, _ progress: ProgressLine) throws {
    let preparation = try MixturePreparation(hdf5: inputs, tokenizer: tokenizer, output: output, options: options)
    if preparation.isResumed { progress.print("goes on where it was interrupted") }
    report(try finish(progress) { try preparation.run { decide(progress, $1, "prepare") } }, names: nil, progress)
  }

  private func prepareMixture(_ tokenizer: Tokenizer, _ progress: ProgressLine) throws {
    let preparation = try MixturePreparation(
      domains: domain, tokenizer: tokenizer, output: output, options: options, format: format,
      skipsMissing: skipMissingDomains)
    for name in preparation.missing { progress.print("domain '\(name)' has no input and is left out") }
    if preparation.isResumed { progress.print("goes on where it was interrupted") }
    let descriptions = try finish(progress) { try preparation.run { decide(progress, $1, $0) } }
    for (domain, description) in zip(preparation.domains, descriptions) {
      if let quota = domain.quota, description.tokens < quota {
        progress.print(
          "domain '\(domain.name)' has \(Format.count(description.tokens)) tokens only, of \(Format.count(quota)) wanted"
        )
      }
    }
    report(descriptions, names: preparation.domains.map(\.name), progress)
  }

  private func report(_ descriptions: [DatasetDescription], names: [String]?, _ progress: ProgressLine) {
    let report = PreparationReport(output: output, domains: names, datasets: descriptions, seconds: progress.seconds)
    print(json ? report.json.serialized() : report.text)
  }

  private func decide(_ line: ProgressLine, _ state: PreparationProgress, _ what: String) -> PreparationDecision {
    line.update(
      what, done: state.bytesRead, total: state.bytesTotal, unit: .bytes,
      note: ", \(Format.large(state.tokens)) tokens")
    return Signals.stop == nil ? .continue : .stop
  }

  private func finish<Description>(
    _ progress: ProgressLine, _ work: () throws -> PreparationOutcome<Description>
  ) throws -> Description {
    let outcome = try work()
    progress.clear()
    switch outcome {
    case .finished(let description): return description
    case .stopped(let state):
      progress.print("stopped at \(Format.count(state.tokens)) tokens; the same command goes on from here")
      throw ExitCode(Signals.stopStatus ?? 1)
    }
  }
}

extension DocumentSeparator: ExpressibleByArgument {}

extension OutputFormat: ExpressibleByArgument {}

/// A number of tokens as people write it.
struct TokenNumber: ExpressibleByArgument {
  let count: Int

  init?(argument: String) {
    guard let count = TokenCount.parse(argument), count > 0 else { return nil }
    self.count = count
  }
}
