/// What can be wrong with a command that is not wrong usage and no room's own error.
enum CommandError: Error, CustomStringConvertible {
  case noTokenizer(model: String)
  case exists(path: String)
  case outputFailed(reason: String)

  var description: String {
    switch self {
    case .noTokenizer(let model):
      "\(model): no tokenizer beside the weights (tokenizer.model, tokenizer.json, or vocab.json and merges.txt); "
        + "name its directory with --tokenizer"
    case .exists(let path): "\(path): exists already; choose another name, or give --force to replace it"
    case .outputFailed(let reason): "standard output: cannot be written: \(reason)"
    }
  }
}
