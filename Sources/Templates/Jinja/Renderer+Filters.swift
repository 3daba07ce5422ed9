import Files

/// Filters of one value. Those of sequences are in SequenceFilters.swift.
extension Renderer {
  mutating func apply(_ filter: Filter, to value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
    switch filter {
    case .default:
      let bound = try arguments.bound(to: ["default_value", "boolean"])
      let replacement = bound[0] ?? .string("")
      if case .undefined = value { return replacement }
      guard try bound[1]?.isTrue ?? false else { return value }
      return try value.isTrue ? value : replacement
    case .length:
      _ = try arguments.positional(to: [])
      return .integer(try length(of: value))
    case .string:
      _ = try arguments.positional(to: [])
      if case .markup = value { return value }
      return .string(try text(of: value))
    case .safe:
      _ = try arguments.positional(to: [])
      return .markup(try text(of: value))
    case .lower, .upper, .title, .capitalize, .trim, .replace: return .string(try changed(value, filter, arguments))
    case .int: return .integer(try integer(value, arguments))
    case .float: return .python(.float(try float(value, arguments)))
    case .abs: return .python(try magnitude(try value.python(for: arguments.callee), arguments))
    case .round: return .python(try rounded(try value.python(for: arguments.callee), arguments))
    case .tojson: return .markup(try json(try value.python(for: arguments.callee), arguments))
    case .items:
      _ = try arguments.positional(to: [])
      if case .undefined = value { return .generator(Generator([])) }
      guard case .dictionary(let members) = try value.python(for: arguments.callee) else {
        throw TemplateError(.type, "\(arguments.callee) takes a dict, found a \(value.typeName)")
      }
      try budget.spend(elements: members.count)
      return .generator(Generator(members.map { .tuple([$0.key, $0.value]) }))
    default: return try applyToSequence(filter, value, arguments)
    }
  }

  // MARK: - Text

  private mutating func changed(_ value: Value, _ filter: Filter, _ arguments: Arguments) throws(TemplateError)
    -> String
  {
    if case .markup = value { _ = try value.python(for: arguments.callee) }
    let text = try text(of: value)
    try budget.spend(bytes: text.utf8.count)
    switch filter {
    case .replace:
      let bound = try arguments.bound(to: ["old", "new", "count"], required: 2)
      let count = try bound[2].map { value throws(TemplateError) in try arguments.integer(value) } ?? -1
      let old = try self.text(of: bound[0] ?? .none)
      return try replace(text, old, with: try self.text(of: bound[1] ?? .none), atMost: count)
    case .trim:
      let characters = try arguments.bound(to: ["chars"])[0].flatMap { value throws(TemplateError) in
        if case .python(.none) = value { return String?.none }
        return try arguments.string(value)
      }
      guard let characters else { return PythonString.strip(text) }
      let removed = Set(characters.unicodeScalars)
      return PythonString.strip(text, atStart: true, atEnd: true) { removed.contains($0) }
    default:
      _ = try arguments.positional(to: [])
      switch filter {
      case .lower: return PythonString.lowercase(text)
      case .upper: return PythonString.uppercase(text)
      case .title: return title(text)
      default: return PythonString.capitalize(text)
      }
    }
  }

  /// Words begin after blanks and any of -({[<; `str.title` has other words.
  private func title(_ text: String) -> String {
    var result = ""
    var rest = text.unicodeScalars[...]
    while !rest.isEmpty {
      let isBetween = Renderer.standsBetweenWords(rest[rest.startIndex])
      let run = rest.prefix { Renderer.standsBetweenWords($0) == isBetween }
      result += PythonString.uppercase(String(run.prefix(1))) + PythonString.lowercase(String(run.dropFirst()))
      rest = rest[run.endIndex...]
    }
    return result
  }

  private static func standsBetweenWords(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "-", "(", "{", "[", "<": true
    default: PythonString.isSpace(scalar)
    }
  }

  // MARK: - Numbers

  private mutating func integer(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Int {
    let bound = try arguments.bound(to: ["default", "base"])
    let base = try bound[1].map { value throws(TemplateError) in try arguments.integer(value) } ?? 10
    guard base == 0 || (2...36).contains(base) else {
      throw TemplateError(.value, "\(arguments.callee): the base must be 0 or 2 to 36, found \(base)")
    }
    let value = try value.python(for: arguments.callee)
    switch value {
    case .float(let value) where !value.isNaN: return try PythonNumber.truncate(value)
    case .string(let text):
      try budget.spend(bytes: text.utf8.count)
      if let integer = try PythonNumber.integer(text, base: base) { return integer }
      if let float = PythonNumber.float(text), float.isFinite { return try PythonNumber.truncate(float) }
    default: if let integer = value.integer { return integer }
    }
    return try bound[0].map { value throws(TemplateError) in try arguments.integer(value) } ?? 0
  }

  private mutating func float(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Double {
    let fallback = try arguments.bound(to: ["default"])[0]
    let value = try value.python(for: arguments.callee)
    if let double = value.double { return double }
    if case .string(let text) = value {
      try budget.spend(bytes: text.utf8.count)
      if let double = PythonNumber.float(text) { return double }
    }
    guard let fallback else { return 0 }
    guard let double = try fallback.python(for: arguments.callee).double else {
      throw TemplateError(.type, "\(arguments.callee): the default must be a number, found a \(fallback.typeName)")
    }
    return double
  }

  private func magnitude(_ value: PythonValue, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    _ = try arguments.positional(to: [])
    if case .float(let value) = value { return .float(value.magnitude) }
    guard let integer = value.integer else {
      throw TemplateError(.type, "\(arguments.callee) takes a number, found a \(value.typeName)")
    }
    return .integer(integer < 0 ? try PythonNumber.multiply(integer, -1) : integer)
  }

  private func rounded(_ value: PythonValue, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    let bound = try arguments.bound(to: ["precision", "method"])
    let digits = try bound[0].map { value throws(TemplateError) in try arguments.integer(value) } ?? 0
    let method = try bound[1].map { value throws(TemplateError) in try arguments.string(value) } ?? "common"
    guard (0...300).contains(digits) else {
      throw TemplateError(.unsupported, "\(arguments.callee): a precision of \(digits), supported are 0 to 300")
    }
    guard let double = value.double else {
      throw TemplateError(.type, "\(arguments.callee) takes a number, found a \(value.typeName)")
    }
    switch method {
    case "common":
      if let integer = value.integer { return .integer(integer) }
      return .float(PythonNumber.round(double, digits: digits))
    case "ceil", "floor":
      if let integer = value.integer, digits == 0 { return .float(Double(integer)) }
      let scale = try PythonNumber.power(10, Double(digits))
      let rule: FloatingPointRoundingRule = method == "ceil" ? .up : .down
      return .float(Double(try PythonNumber.truncate((double * scale).rounded(rule))) / scale)
    default:
      throw TemplateError(.value, "\(arguments.callee): the method must be common, ceil or floor, found \(method)")
    }
  }

  // MARK: - JSON

  /// `json.dumps(value, sort_keys=True)`, with the characters that HTML minds as escapes.
  private mutating func json(_ value: PythonValue, _ arguments: Arguments) throws(TemplateError) -> String {
    let indent = try arguments.bound(to: ["indent"])[0].map { value throws(TemplateError) in
      try arguments.integer(value)
    }
    guard (0...16).contains(indent ?? 0) else {
      throw TemplateError(.unsupported, "\(arguments.callee): an indent of \(indent ?? 0), supported are 0 to 16")
    }
    try budget.spend(whole: value)
    let plain = try value.sortedByKeys.json.serialized(indent: indent)
    // Of one byte may become six.
    try budget.spend(bytes: plain.utf8.count * 6)
    var escaped = String.UnicodeScalarView()
    for scalar in plain.unicodeScalars {
      switch scalar {
      case " "..."~" where !["<", ">", "&", "'"].contains(scalar): escaped.append(scalar)
      case "\n": escaped.append(scalar)
      default:
        for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
          let digits = String(unit, radix: 16)
          escaped.append(contentsOf: "\\u".unicodeScalars)
          escaped.append(contentsOf: String(repeating: "0", count: 4 - digits.utf8.count).unicodeScalars)
          escaped.append(contentsOf: digits.unicodeScalars)
        }
      }
    }
    return String(escaped)
  }
}

extension PythonValue {
  /// The value with the keys of its dicts in order.
  fileprivate var sortedByKeys: PythonValue {
    get throws(TemplateError) {
      switch self {
      case .list(let values), .tuple(let values):
        var sorted: [PythonValue] = []
        for value in values { sorted.append(try value.sortedByKeys) }
        return .list(sorted)
      case .dictionary(let members):
        var sorted = PythonDictionary()
        for position in try PythonValue.sortedPositions(members.map { $0.key }) {
          sorted[members[position].key] = try members[position].value.sortedByKeys
        }
        return .dictionary(sorted)
      default: return self
      }
    }
  }
}
