import Files

/// What can be wrong with a tokenizer's files. Every message is one line that names the file and the key, token or
/// byte.
public enum TokenizationError: Error, Sendable, Equatable, CustomStringConvertible {
  case noTokenizer(directory: String)
  case malformedJSON(path: String, JSONError)
  /// `key` is the path inside the file: `model.merges[3]`.
  case unexpected(path: String, key: String, expected: String, found: String)
  /// A kind of tokenizer, or of a part of one, that this module does not have.
  case unsupported(path: String, part: String, found: String, supported: String)
  case malformedModel(path: String, offset: Int, reason: String)
  case invalidModel(path: String, reason: String)
  case malformedMerge(path: String, line: Int)
  case mergeOutsideVocabulary(path: String, merge: Int, token: String)
  case idOutOfRange(path: String, token: String, id: Int, limit: Int)
  case idTakenTwice(path: String, id: Int, first: String, second: String)
  case tokenRenumbered(path: String, token: String, id: Int, earlier: Int)
  case specialTokenNotFound(path: String, key: String, token: String)
  case noTokenToAdd(path: String, key: String)
  case idWithoutToken(path: String, key: String, id: Int)

  public var description: String {
    switch self {
    case .noTokenizer(let directory):
      "\(directory): no tokenizer here; expected tokenizer.model, tokenizer.json, or vocab.json and merges.txt"
    case .malformedJSON(let path, let error): "\(path): not JSON: \(error)"
    case .unexpected(let path, let key, let expected, let found):
      "\(path): \(key.isEmpty ? "the file" : "'\(key)'") holds \(found), expected \(expected)"
    case .unsupported(let path, let part, let found, let supported):
      "\(path): \(part) \(found) is not supported; supported: \(supported)"
    case .malformedModel(let path, let offset, let reason):
      "\(path): not a SentencePiece model: \(reason) at byte \(offset)"
    case .invalidModel(let path, let reason): "\(path): \(reason)"
    case .malformedMerge(let path, let line): "\(path), line \(line): expected two tokens with one space between them"
    case .mergeOutsideVocabulary(let path, let merge, let token):
      "\(path): merge \(merge) needs the token \(quoted(token)), which the vocabulary does not have"
    case .idOutOfRange(let path, let token, let id, let limit):
      "\(path): the token \(quoted(token)) has id \(id), expected 0 to \(limit - 1)"
    case .idTakenTwice(let path, let id, let first, let second):
      "\(path): id \(id) belongs to the tokens \(quoted(first)) and \(quoted(second))"
    case .tokenRenumbered(let path, let token, let id, let earlier):
      "\(path): the token \(quoted(token)) has id \(id), but the vocabulary has it as \(earlier)"
    case .specialTokenNotFound(let path, let key, let token):
      "\(path): '\(key)' is \(quoted(token)), a token that neither the vocabulary nor the added tokens have"
    case .noTokenToAdd(let path, let key): "\(path): 'add_\(key)' is true, but no file names a '\(key)'"
    case .idWithoutToken(let path, let key, let id): "\(path): '\(key)' is \(id), an id that no token has"
    }
  }
}

/// In quotation marks, on one line, not longer than a line.
private func quoted(_ token: String) -> String {
  let short = token.unicodeScalars.prefix(60).map {
    $0.properties.generalCategory == .control ? "\u{FFFD}" : String($0)
  }
  return "'\(short.joined())\(token.unicodeScalars.count > 60 ? "…" : "")'"
}
