import ArgumentParser
import Models
import Tokenization

/// A pretrained model as a command's source.
struct ModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A config.json, when it is not beside the weights.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("A tokenizer directory, when it is not beside the weights.", valueName: "dir"))
  var tokenizer: String?

  func open(_ name: String) throws -> ModelSource {
    try ModelSource(name, configuration: config, tokenizer: tokenizer)
  }

  static func tokenizer(of source: ModelSource) throws -> Tokenizer {
    guard let directory = source.tokenizerDirectory else {
      throw CommandError.noTokenizer(model: source.name)
    }
    let tokenizer = try Tokenizer.load(directory: directory)
    for warning in tokenizer.warnings { StandardError.write("warning: \(warning)\n") }
    return tokenizer
  }
}
