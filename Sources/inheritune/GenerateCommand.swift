import ArgumentParser
import Models
import Programs
import Tokenization

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continues a text.",
    discussion: """
        inheritune generate ./open_llama_3b-13layers --prompt "Once upon a time" --max-tokens 100 --temperature 0
      """)

  @Argument(help: "A model directory, weights file or hub id.")
  var model: String

  @Option(help: ArgumentHelp("The text to continue.", valueName: "text"))
  var prompt: String

  @Option(help: ArgumentHelp("New tokens at most.", valueName: "n"))
  var maxTokens = 100

  @Option(help: ArgumentHelp("0 is greedy.", valueName: "t"))
  var temperature = 0.8

  @Option(help: ArgumentHelp("Only the k likeliest tokens.", valueName: "k"))
  var topK: Int?

  @Option(help: ArgumentHelp("Only the likeliest tokens that reach this probability.", valueName: "p"))
  var topP = 1.0

  @Option(help: ArgumentHelp("Seed of the draws.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var files: ModelOptions
  @OptionGroup var precision: PrecisionOptions
  @OptionGroup var device: DeviceOptions

  func validate() throws {
    if maxTokens < 1 { throw ValidationError("--max-tokens \(maxTokens): expected 1 or more") }
    if !(temperature >= 0 && temperature.isFinite) {
      throw ValidationError("--temperature \(temperature): expected 0 or more")
    }
    if let topK, topK < 1 { throw ValidationError("--top-k \(topK): expected 1 or more") }
    if !(topP > 0 && topP <= 1) { throw ValidationError("--top-p \(topP): expected above 0, up to 1") }
  }

  func run() throws {
    let source = try files.open(model)
    let tokenizer = try ModelOptions.tokenizer(of: source)
    let device = try device.makeDevice(precision.precision)
    let store = try ParameterStore.load(
      source.model, from: source.checkpoint, device: device,
      precision: precision.precision.precision(
        on: device.info, weights: source.model.narrowWeights(of: source.checkpoint)))
    var options = SamplingOptions()
    options.temperature = temperature
    options.topK = topK
    options.topP = topP
    options.seed = seed
    var decoder = tokenizer.decoder(skipSpecialTokens: true)
    // The prompt's end decides how the next token joins it (a SentencePiece text has no leading blank).
    var ids = tokenizer.encode(prompt, addSpecialTokens: true)
    // An empty prompt asks for a text from its beginning.
    if ids.isEmpty, let bos = tokenizer.bos { ids = [bos] }
    for id in ids { _ = decoder.append(id) }
    let generator = Generator(source.model, store: store)
    try generator.check(ids)
    print(prompt, terminator: "")
    StandardOutput.flush()
    let tokens = try generator.generate(
      ids, maximumTokens: maxTokens, stopTokens: Set(tokenizer.eos.map { [$0] } ?? []), options: options
    ) { id in
      print(decoder.append(id), terminator: "")
      StandardOutput.flush()
      return true
    }
    print(decoder.finish())
    let context = source.model.contextLength
    if tokens.count < maxTokens, ids.count + tokens.count > context {
      StandardError.write("note: ended at the model's context of \(Format.count(context)) tokens\n")
    }
  }
}
