/// What can be wrong with a text that a quickstart is made from, or with the runs that a report is made from.
public enum QuickstartError: Error, Sendable, Equatable, CustomStringConvertible {
  case notUTF8(path: String, offset: Int)
  case textTooShort(path: String, bytes: Int, minimum: Int)
  case vocabularyNotReached(wanted: Int, found: Int)
  case malformed(path: String, line: Int?, reason: String)
  case noValidation(path: String)

  public var description: String {
    switch self {
    case .notUTF8(let path, let offset): "\(path): byte \(offset) is not UTF-8 text"
    case .textTooShort(let path, let bytes, let minimum):
      "\(path): \(bytes) bytes of text; a quickstart needs at least \(minimum)"
    case .vocabularyNotReached(let wanted, let found):
      "the text repeats itself too little for \(wanted) tokens: only \(found) can be learnt from it; give more text"
    case .malformed(let path, let line, let reason): "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)"
    case .noValidation(let path): "\(path): no validation loss in it; the run was not finished"
    }
  }
}
