/// The attributes of Python's types: all are methods here.
extension PythonValue {
  /// Whether the type has an attribute of the name, which goes before an item of a dict.
  /// - Throws: `TemplateError` if it has one that is not supported.
  func hasMethod(_ name: String) throws(TemplateError) -> Bool {
    if supportedMethods.contains(name) { return true }
    if refusedAttributes.contains(name) || (name.hasPrefix("__") && name.hasSuffix("__")) {
      throw TemplateError(.unsupported, "\(typeName).\(name) is not supported")
    }
    return false
  }

  private var supportedMethods: Set<String> {
    switch self {
    case .string: PythonValue.stringMethods
    case .list: ["copy", "count", "index"]
    case .tuple: ["count", "index"]
    case .dictionary: ["copy", "get", "items", "keys", "values"]
    case .none, .bool, .integer, .float: []
    }
  }

  private var refusedAttributes: Set<String> {
    switch self {
    case .string: PythonValue.refusedStringMethods
    case .list: ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]
    case .dictionary: ["clear", "fromkeys", "pop", "popitem", "setdefault", "update"]
    case .bool, .integer: PythonValue.refusedIntegerAttributes
    case .float: ["as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"]
    case .none, .tuple: []
    }
  }

  private static let stringMethods: Set<String> = [
    "capitalize", "center", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal",
    "isdigit", "islower", "isnumeric", "isprintable", "isspace", "isupper", "join", "ljust", "lower", "lstrip",
    "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper", "zfill",
  ]
  private static let refusedStringMethods: Set<String> = [
    "casefold", "encode", "expandtabs", "format", "format_map", "isidentifier", "istitle", "maketrans", "swapcase",
    "translate",
  ]
  private static let refusedIntegerAttributes: Set<String> = [
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag", "is_integer",
    "numerator", "real", "to_bytes",
  ]
}

extension Renderer {
  /// Calls a method that `hasMethod` knows.
  mutating func call(_ name: String, of receiver: PythonValue, _ arguments: Arguments) throws(TemplateError) -> Value {
    switch receiver {
    case .string(let text):
      try budget.spend(bytes: text.utf8.count)
      return .python(try call(name, of: text, arguments))
    case .list(let values), .tuple(let values):
      switch name {
      case "index": return .integer(try index(in: values, arguments))
      case "count": return .integer(try count(in: values, arguments))
      default:
        _ = try arguments.positional(to: [])
        return .python(receiver)
      }
    case .dictionary(let members): return try call(name, of: members, arguments)
    default: throw TemplateError(.type, "\(arguments.callee) is not there")
    }
  }

  private mutating func call(
    _ name: String, of members: PythonDictionary, _ arguments: Arguments
  ) throws(TemplateError) -> Value {
    if name == "get" {
      let bound = try arguments.positional(to: ["key", "default"], required: 1)
      let key = try (bound[0] ?? .none).python(for: arguments.callee)
      try key.checkHashable()
      try budget.spend(whole: key)
      return members[key].map { .python($0) } ?? bound[1] ?? .none
    }
    _ = try arguments.positional(to: [])
    try budget.spend(elements: members.count)
    return switch name {
    case "keys": .view("dict_keys", members.map { $0.key })
    case "values": .view("dict_values", members.map { $0.value })
    case "items": .view("dict_items", members.map { .tuple([$0.key, $0.value]) })
    default: .python(.dictionary(members))
    }
  }

  private mutating func index(in values: [PythonValue], _ arguments: Arguments) throws(TemplateError) -> Int {
    let bound = try arguments.positional(to: ["value", "start", "stop"], required: 1)
    let value = try (bound[0] ?? .none).python(for: arguments.callee)
    let start = try bound[1].map { bound throws(TemplateError) in try arguments.integer(bound) }
    let stop = try bound[2].map { bound throws(TemplateError) in try arguments.integer(bound) }
    for position in try PythonSlice(start, stop, 1, count: values.count) {
      try spend(comparing: values[position], value)
      if values[position] == value { return position }
    }
    try budget.spend(whole: value)
    throw TemplateError(.value, "\(arguments.callee): \(value.shortRepresentation) is not there")
  }

  private mutating func count(in values: [PythonValue], _ arguments: Arguments) throws(TemplateError) -> Int {
    let bound = try arguments.positional(to: ["value"], required: 1)
    let value = try (bound[0] ?? .none).python(for: arguments.callee)
    var count = 0
    for element in values {
      try spend(comparing: element, value)
      if element == value { count += 1 }
    }
    return count
  }
}
