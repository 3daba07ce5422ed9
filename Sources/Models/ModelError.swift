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
  /// The same for weights in another program's names.
  case dialectDoesNotFit(path: String, dialect: String, problems: [String])
  /// Weights in another program's names beside a configuration that the program has no names for.
  case otherDialect(path: String, dialect: String, modelType: String, expected: [String])
  /// Weights in another program's names without any configuration; `place` is where the program has its own.
  case undescribed(path: String, dialect: String, place: String?)
  /// No tensor has a name of the model's.
  case unknownNames(path: String, found: [String], expected: [String])
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
      return "\(path): the weights do not fit config.json: \(ModelError.list(problems, separator: "; ", limit: 8))"
    case .dialectDoesNotFit(let path, let dialect, let problems):
      return "\(path): the weights, which have \(dialect)'s names, do not fit their configuration: "
        + ModelError.list(problems, separator: "; ", limit: 8)
    case .otherDialect(let path, let dialect, let modelType, let expected):
      return "\(path): the weights have \(dialect)'s names, so their model_type must be "
        + "\(expected.joined(separator: " or ")), but config.json says \(modelType)"
    case .undescribed(let path, let dialect, let place):
      return "\(path): the weights have \(dialect)'s names, and nothing says the model's shape: expected "
        + (place.map { "\($0), or " } ?? "") + "a config.json beside it; name one with --config"
    case .unknownNames(let path, let found, let expected):
      return "\(path): no tensor has a known name: found "
        + (found.isEmpty ? "no tensors" : ModelError.list(found, separator: ", ", limit: 3)) + "; expected "
        + ModelError.list(expected, separator: ", ", limit: 3)
    case .biasNotZero(let path, let tensor):
      return "\(path): tensor '\(tensor)' is not zero, but config.json says \"bias\": false; remove that key"
    case .tooManyTokens(let count, let contextLength):
      return "\(count) tokens do not fit the model's context of \(contextLength)"
    case .emptyPrompt: return "the prompt has no tokens"
    case .tokenOutsideVocabulary(let token, let size):
      return "token id \(token) is outside the model's vocabulary of \(size); use the model's own tokenizer"
    }
  }
  private static func list(_ items: [String], separator: String, limit: Int) -> String {
    let rest = items.count > limit ? "\(separator)and \(items.count - limit) more" : ""
    return items.prefix(limit).map(shown).joined(separator: separator) + rest
  }

  /// Names come from files: whatever is in them stays on one line, and short.
  private static func shown(_ text: String) -> String {
    let printable = text.unicodeScalars.prefix(200).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
    return String(String.UnicodeScalarView(printable)) + (text.unicodeScalars.count > 200 ? "…" : "")
  }
}
