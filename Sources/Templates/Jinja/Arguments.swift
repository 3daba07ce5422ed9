/// The arguments of a call, a filter or a test.
struct Arguments {
  /// What is called, for errors.
  let callee: String
  var positional: [Value]
  var keywords: [(name: String, value: Value)] = []

  /// The arguments by their names, nil for one that is not given.
  /// - Parameter required: how many of the first ones must be given.
  /// - Throws: `TemplateError` for too many, too few, a name that is not known, or one given twice.
  func bound(to names: [String], required: Int = 0) throws(TemplateError) -> [Value?] {
    guard positional.count <= names.count else {
      let limit = names.isEmpty ? "no arguments" : "at most \(names.count) arguments"
      throw TemplateError(.type, "\(callee) takes \(limit), found \(positional.count)")
    }
    var bound: [Value?] = positional + Array(repeating: nil, count: names.count - positional.count)
    for keyword in keywords {
      guard let position = names.firstIndex(of: keyword.name) else {
        throw TemplateError(.type, "\(callee) has no argument \(keyword.name)")
      }
      guard bound[position] == nil else { throw TemplateError(.type, "\(callee): two values for \(keyword.name)") }
      bound[position] = keyword.value
    }
    for (position, name) in names.prefix(required).enumerated() where bound[position] == nil {
      throw TemplateError(.type, "\(callee) needs the argument \(name)")
    }
    return bound
  }

  /// `bound` for what takes no names.
  func positional(to names: [String], required: Int = 0) throws(TemplateError) -> [Value?] {
    guard keywords.isEmpty else { throw TemplateError(.type, "\(callee) takes no arguments by name") }
    return try bound(to: names, required: required)
  }

  /// `isinstance(x, int)`
  func integer(_ value: Value) throws(TemplateError) -> Int {
    let value = try value.python(for: callee)
    guard let integer = value.integer else {
      throw TemplateError(.type, "\(callee): expected an int, found a \(value.typeName)")
    }
    return integer
  }

  func string(_ value: Value) throws(TemplateError) -> String {
    let value = try value.python(for: callee)
    guard case .string(let string) = value else {
      throw TemplateError(.type, "\(callee): expected a str, found a \(value.typeName)")
    }
    return string
  }
}
