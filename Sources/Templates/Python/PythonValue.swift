import Files

/// A value as Python has it: what the columns of a row are, and what templates compute with.
///
/// Integers are 64 bits wide; what would need more is an error, never a wrong number.
public enum PythonValue: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  case list([PythonValue])
  case tuple([PythonValue])
  case dictionary(PythonDictionary)
}

extension PythonValue {
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// Of True and False too, as in Python.
  public var integer: Int? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }
  /// The elements of a list or a tuple.
  public var elements: [PythonValue]? {
    switch self {
    case .list(let values), .tuple(let values): values
    default: nil
    }
  }
  public var dictionary: PythonDictionary? { if case .dictionary(let value) = self { value } else { nil } }

  /// `bool(x)`
  public var isTrue: Bool {
    switch self {
    case .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .float(let value): value != 0
    case .string(let value): !value.isEmpty
    case .list(let values), .tuple(let values): !values.isEmpty
    case .dictionary(let members): !members.isEmpty
    }
  }

  /// `type(x).__name__`
  public var typeName: String {
    switch self {
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .float: "float"
    case .string: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dictionary: "dict"
    }
  }
}

extension PythonValue: ExpressibleByStringLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
}

extension PythonValue: Hashable {
  /// `a == b`: True, 1 and 1.0 are equal, a list and a tuple never are, strings are compared by code points.
  public static func == (a: PythonValue, b: PythonValue) -> Bool {
    switch (a, b) {
    case (.none, .none): return true
    case (.string(let a), .string(let b)): return ExactString(a) == ExactString(b)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return a == b
    case (.dictionary(let a), .dictionary(let b)): return a == b
    case (.float(let a), .float(let b)): return a == b
    case (.float(let a), _): return b.integer.map { Int(exactly: a) == $0 } ?? false
    case (_, .float(let b)): return a.integer.map { Int(exactly: b) == $0 } ?? false
    default:
      guard let a = a.integer, let b = b.integer else { return false }
      return a == b
    }
  }

  public func hash(into hasher: inout Hasher) {
    switch self {
    case .none: hasher.combine(0)
    case .bool(let value): hasher.combine(value ? 1 : 0)
    case .integer(let value): hasher.combine(value)
    case .float(let value): if let whole = Int(exactly: value) { hasher.combine(whole) } else { hasher.combine(value) }
    case .string(let value): hasher.combine(ExactString(value))
    case .list(let values), .tuple(let values): hasher.combine(values)
    case .dictionary(let members): hasher.combine(members)
    }
  }
}

extension PythonValue {
  /// Lists and dicts cannot be the keys of a dict.
  func checkHashable() throws(TemplateError) {
    switch self {
    case .list, .dictionary: throw TemplateError(.type, "a \(typeName) cannot be the key of a dict")
    case .tuple(let values): for value in values { try value.checkHashable() }
    default: break
    }
  }
}
