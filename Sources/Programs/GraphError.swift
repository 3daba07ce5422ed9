/// What can be wrong with a graph. All of it is found while the graph is built, none of it inside a step.
public enum GraphError: Error, Sendable, CustomStringConvertible {
  case shape(operation: String, expected: String, found: String)
  case tooLarge(name: String, rows: Int, columns: Int)
  case parameterRedefined(name: String, first: String, second: String)
  case overwritten(String, by: String)
  case notDifferentiable(String)
  case missingParameter(String)
  case missingExternal(String)
  case frozenParameter(String)

  public var description: String {
    switch self {
    case .shape(let operation, let expected, let found):
      "\(operation): expected \(expected), found \(found)"
    case .tooLarge(let name, let rows, let columns):
      "'\(name)' would have \(rows) x \(columns) elements, more than can be addressed"
    case .parameterRedefined(let name, let first, let second):
      "parameter '\(name)' is used as \(first) and as \(second)"
    case .overwritten(let name, let operation):
      "\(operation) would overwrite '\(name)', which is still needed; it must come first and in the same region"
    case .notDifferentiable(let operation): "operation \(operation) has no backward rule"
    case .missingParameter(let name): "parameter '\(name)' is not in the parameter store"
    case .missingExternal(let name): "no memory was given for '\(name)', which is external to the program"
    case .frozenParameter(let name):
      "parameter '\(name)' is trained by this graph, but frozen in the parameter store"
    }
  }
}
