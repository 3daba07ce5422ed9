import Files

extension PythonValue {
  /// What Python's json module makes of a JSON value; but an integer that 64 bits do not hold is a float.
  public init(_ json: JSON) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(Int(value))
    case .number(let value): self = .float(value)
    case .string(let value): self = .string(value)
    case .array(let values): self = .list(values.map { PythonValue($0) })
    case .object(let members): self = .dictionary(PythonDictionary(members))
    }
  }

  /// The value as Python's json module writes it: tuples become arrays, keys that are no strings their text.
  /// - Throws: `TemplateError` for a key that JSON has no text for.
  public var json: JSON {
    get throws(TemplateError) {
      switch self {
      case .none: return .null
      case .bool(let value): return .bool(value)
      case .integer(let value): return .integer(Int64(value))
      case .float(let value): return .number(value)
      case .string(let value): return .string(value)
      case .list(let values), .tuple(let values):
        var array: [JSON] = []
        array.reserveCapacity(values.count)
        for value in values { array.append(try value.json) }
        return .array(array)
      case .dictionary(let members):
        var object = JSONObject()
        for member in members { object[try member.key.jsonKey] = try member.value.json }
        return .object(object)
      }
    }
  }

  private var jsonKey: String {
    get throws(TemplateError) {
      switch self {
      case .string(let value): value
      case .none: "null"
      case .bool(let value): value ? "true" : "false"
      case .integer(let value): String(value)
      case .float(let value): PythonFloat.text(value)
      default: throw TemplateError(.type, "a \(typeName) cannot be the key of a JSON object")
      }
    }
  }
}

extension PythonDictionary {
  public init(_ object: JSONObject) {
    self.init()
    for (key, value) in object { self[.string(key)] = PythonValue(value) }
  }
}
