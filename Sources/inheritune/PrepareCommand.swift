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

        inheritune prepare 'corpus/*.jsonl.zst' --tokenizer ./open_llama_3b --output data/redpajama --max-tokens 1B
      """)

  @Argument(help: ArgumentHelp("Files, directories and patterns.", valueName: "input"))
  var inputs: [String]

  @Option(help: ArgumentHelp("A directory with the tokenizer's files.", valueName: "dir"))
  var tokenizer: String

  @Option(help: ArgumentHelp("The directory to write.", valueName: "dir"))
  var output: String

  @Option(help: ArgumentHelp("The key of a JSON line that holds the text.", valueName: "key"))
  var textKey = "text"

  @Option(help: ArgumentHelp("What stands between the documents of a .txt file.", valueName: "text"))
  var documentDelimiter: String?

  @Option(help: ArgumentHelp("append, prepend or none: where the end-of-text token goes.", valueName: "side"))
  var documentSeparator = DocumentSeparator.append

  @Option(help: ArgumentHelp("The share of the documents that becomes validation data.", valueName: "share"))
  var validationFraction = 0.0005

  @Option(help: ArgumentHelp("Stop after so many tokens: 1B, 500M, 1e9.", valueName: "n"))
  var maxTokens: TokenNumber?

  @Option(help: ArgumentHelp("Chooses the validation documents.", valueName: "n"))
  var sampleSeed: UInt64 = 2357

  @Option(help: ArgumentHelp("Threads that tokenize; all cores by default.", valueName: "n"))
  var workers: Int?

  @Flag(help: "Replace what is in the output directory.")
  var force = false

  @Flag(help: "One JSON object instead of prose.")
  var json = false

  func run() throws {
    var options = PreparationOptions()
    options.textKey = textKey
    options.documentDelimiter = documentDelimiter
    options.separator = documentSeparator
    options.validationFraction = validationFraction
    options.maximumTokens = maxTokens?.count
    options.seed = sampleSeed
    options.workers = workers ?? DeviceOptions.availableThreads
    options.replacesExisting = force
    Signals.install()
    let progress = ProgressLine()
    let preparation = try Preparation(
      inputs: inputs, tokenizer: Tokenizer.load(directory: tokenizer), output: output, options: options)
    if preparation.isResumed {
      progress.print("goes on at \(Format.count(preparation.progress.tokens)) tokens, where it was interrupted")
    }
    let outcome = try preparation.run { state in
      progress.update(
        "prepare", done: state.bytesRead, total: state.bytesTotal, unit: .bytes,
        note: ", \(Format.large(state.tokens)) tokens")
      return Signals.stop == nil ? .continue : .stop
    }
    progress.clear()
    switch outcome {
    case .finished(let description): report(description, seconds: progress.seconds)
    case .stopped(let state):
      progress.print("stopped at \(Format.count(state.tokens)) tokens; the same command goes on from here")
      throw ExitCode(Signals.stopStatus ?? 1)
    }
  }

  private func report(_ description: DatasetDescription, seconds: Double) {
    if json {
      let object: JSONObject = [
        "output": .string(output), "tokens": .integer(Int64(description.tokens)),
        "train_tokens": .integer(Int64(description.train.tokens)),
        "validation_tokens": .integer(Int64(description.validation?.tokens ?? 0)),
        "documents": .integer(Int64(description.documents)), "text_bytes": .integer(Int64(description.textBytes)),
        "seconds": .number(seconds),
      ]
      return print(JSON.object(object).serialized())
    }
    let perToken = Double(description.textBytes) / Double(max(description.tokens, 1))
    print("train       \(Format.count(description.train.tokens)) tokens, \(output)/\(description.train.file)")
    if let validation = description.validation {
      print("validation  \(Format.count(validation.tokens)) tokens, \(output)/\(validation.file)")
    }
    print(
      "documents   \(Format.count(description.documents))"
        + (description.emptyDocuments > 0 ? " (\(Format.count(description.emptyDocuments)) empty ones left out)" : ""))
    print(
      "text        \(Format.bytes(description.textBytes)), \(perToken.formatted(2)) bytes a token, "
        + "\(Format.bytes(Int(Double(description.textBytes) / max(seconds, 1e-3))))/s")
  }
}

extension DocumentSeparator: ExpressibleByArgument {}

/// A number of tokens as people write it.
struct TokenNumber: ExpressibleByArgument {
  let count: Int

  init?(argument: String) {
    guard let count = TokenCount.parse(argument), count > 0 else { return nil }
    self.count = count
  }
}
