/// What can be wrong with a model's configuration, or with weights that should fit it.
public enum ModelError: Error, Sendable, CustomStringConvertible {
  case missingKey(source: String, key: String)
  case invalidValue(source: String, key: String, expected: String, found: String)
  case unknownModelType(source: String, found: String, known: [String])
  case malformedConfiguration(source: String, reason: String)
  case missingConfiguration(directory: String)
  /// A weights file without a configuration beside it.
  case loneWeights(path: String)
  case missingTokenizer(directory: String)
  case invalidGraph(source: String, reason: String)
  /// Every tensor that is missing, left over or of another shape, in one message.
  case weightsDoNotFit(path: String, problems: [String])
  case biasNotZero(path: String, tensor: String)
  case tooManyTokens(count: Int, contextLength: Int)
  case emptyPrompt
  case tokenOutsideVocabulary(token: Int, vocabularySize: Int)

  public var description: String {
    switch self {
    case .missingKey(let source, let key): return "\(source): key '\(key)' is missing"
    case .invalidValue(let source, let key, let expected, let found):
      return "\(source): '\(key)' is \(found), expected \(expected)"
    case .unknownModelType(let source, let found, let known):
      return "\(source): model_type \(found) is not supported; known are \(known.joined(separator: ", "))"
    case .malformedConfiguration(let source, let reason): return "\(source): \(reason)"
    case .missingConfiguration(let directory):
      return "\(directory): no config.json here; a model directory has its config.json beside the weights"
    case .loneWeights(let path):
      return "\(path): no config.json beside it; name one with --config, or open a directory that has both"
    case .missingTokenizer(let directory):
      return "\(directory): no tokenizer here; expected tokenizer.model, tokenizer.json, or vocab.json and merges.txt"
    case .invalidGraph(let source, let reason): return "\(source): \(reason)"
    case .weightsDoNotFit(let path, let problems):
      let shown = problems.prefix(8).joined(separator: "; ")
      let rest = problems.count > 8 ? "; and \(problems.count - 8) more" : ""
      return "\(path): the weights do not fit config.json: \(shown)\(rest)"
    case .biasNotZero(let path, let tensor):
      return "\(path): tensor '\(tensor)' is not zero, but config.json says \"bias\": false; remove that key"
    case .tooManyTokens(let count, let contextLength):
      return "\(count) tokens do not fit the model's context of \(contextLength)"
    case .emptyPrompt: return "the prompt has no tokens"
    case .tokenOutsideVocabulary(let token, let size):
      return "token id \(token) is outside the model's vocabulary of \(size); use the model's own tokenizer"
    }
  }
}
