/// What may follow `is`.
extension Renderer {
  mutating func passes(_ value: Value, _ test: Test, _ arguments: Arguments) throws(TemplateError) -> Bool {
    switch test {
    case .eq, .ne, .lt, .le, .gt, .ge, .in, .divisibleby: return try passes(value, binary: test, arguments)
    default: break
    }
    _ = try arguments.positional(to: [])
    switch test {
    case .defined: if case .undefined = value { return false } else { return true }
    case .undefined: if case .undefined = value { return true } else { return false }
    case .odd: return try remainder(value, 2, arguments) == .integer(1)
    case .even: return try remainder(value, 2, arguments) == .integer(0)
    case .lower, .upper:
      let text = try text(of: value)
      try budget.spend(bytes: text.utf8.count)
      return test == .lower ? PythonString.isLowercase(text) : PythonString.isUppercase(text)
    case .sequence:
      // What has a length and items.
      switch value {
      case .python(.string), .python(.list), .python(.tuple), .python(.dictionary), .range, .markup: return true
      default: return false
      }
    case .iterable:
      switch value {
      case .undefined(let undefined):
        guard undefined.isEmpty else { throw undefined.error }
        return true
      case .python(.string), .python(.list), .python(.tuple), .python(.dictionary), .range, .markup, .view, .generator,
        .loop:
        return true
      default: return false
      }
    case .string: if case .markup = value { return true }
    default: break
    }
    guard case .python(let value) = value else { return false }
    switch (test, value) {
    case (.none, .none), (.boolean, .bool), (.integer, .integer), (.float, .float), (.string, .string),
      (.mapping, .dictionary), (.number, .bool), (.number, .integer), (.number, .float):
      return true
    case (.true, .bool(let value)): return value
    case (.false, .bool(let value)): return !value
    default: return false
    }
  }

  private mutating func passes(_ value: Value, binary test: Test, _ arguments: Arguments) throws(TemplateError) -> Bool
  {
    let other = try arguments.bound(to: ["other"], required: 1)[0] ?? .none
    return switch test {
    case .eq: try compare(value, .equal, other)
    case .ne: try compare(value, .notEqual, other)
    case .lt: try compare(value, .ordered(.less), other)
    case .le: try compare(value, .ordered(.lessOrEqual), other)
    case .gt: try compare(value, .ordered(.greater), other)
    case .ge: try compare(value, .ordered(.greaterOrEqual), other)
    case .in: try compare(value, .contained, other)
    default: try remainder(value, try arguments.integer(other), arguments) == .integer(0)
    }
  }

  private mutating func remainder(
    _ value: Value, _ divisor: Int, _ arguments: Arguments
  ) throws(TemplateError) -> PythonValue {
    try compute(try value.python(for: arguments.callee), .modulo, .integer(divisor))
  }
}
