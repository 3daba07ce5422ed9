import Files

/// Operators.
extension Renderer {
  mutating func evaluate(_ expression: Expression) throws(TemplateError) -> Value {
    try budget.spend()
    switch expression {
    case .constant(let value): return .python(value)
    case .name(let name): return try value(of: name)
    case .list(let elements): return .list(try values(of: elements))
    case .tuple(let elements): return .python(.tuple(try values(of: elements)))
    case .dictionary(let members): return .python(.dictionary(try dictionary(of: members)))
    case .steps(let first, let steps): return try apply(steps, to: try evaluate(first))
    case .negative(let operand):
      switch try evaluate(operand).python(for: "-") {
      case .float(let value): return .python(.float(-value))
      case let value: return .python(.integer(try PythonNumber.multiply(-1, try integer(value, for: "-"))))
      }
    case .positive(let operand):
      switch try evaluate(operand).python(for: "+") {
      case .float(let value): return .python(.float(value))
      case let value: return .python(.integer(try integer(value, for: "+")))
      }
    case .arithmetic(let first, let rest):
      var result = try evaluate(first).python(for: rest[0].operation.rawValue)
      for (operation, operand) in rest {
        result = try compute(result, operation, try evaluate(operand).python(for: operation.rawValue))
      }
      return .python(result)
    case .concatenation(let operands):
      var result = ""
      for operand in operands { try budget.append(try text(of: try evaluate(operand)), to: &result) }
      return .string(result)
    case .comparison(let first, let rest): return .bool(try comparison(first, rest))
    case .not(let operand): return .bool(try !evaluate(operand).isTrue)
    case .and(let operands): return try firstOf(operands, where: false)
    case .or(let operands): return try firstOf(operands, where: true)
    case .conditional(let value, let test, let otherwise):
      if try evaluate(test).isTrue { return try evaluate(value) }
      if let otherwise { return try evaluate(otherwise) }
      return .undefined(Undefined(reason: "an if without else was false", isEmpty: true))
    }
  }

  /// The first operand that is true, or false; the last one if none is.
  private mutating func firstOf(_ operands: [Expression], where wanted: Bool) throws(TemplateError) -> Value {
    for operand in operands.dropLast() {
      let value = try evaluate(operand)
      if try value.isTrue == wanted { return value }
    }
    return try evaluate(operands[operands.count - 1])
  }

  private mutating func values(of expressions: [Expression]) throws(TemplateError) -> [PythonValue] {
    var values: [PythonValue] = []
    values.reserveCapacity(expressions.count)
    for expression in expressions {
      let value = try evaluate(expression).python(for: "an element of a list")
      try budget.spend(whole: value, depth: 1)
      values.append(value)
    }
    return values
  }

  private mutating func dictionary(
    of members: [(key: Expression, value: Expression)]
  ) throws(TemplateError) -> PythonDictionary {
    var dictionary = PythonDictionary()
    for member in members {
      let key = try evaluate(member.key).python(for: "the key of a dict")
      try key.checkHashable()
      let value = try evaluate(member.value).python(for: "an element of a dict")
      try budget.spend(whole: key, depth: 1)
      try budget.spend(whole: value, depth: 1)
      dictionary[key] = value
    }
    return dictionary
  }

  // MARK: - Comparisons

  private mutating func comparison(
    _ first: Expression, _ rest: [(operation: ComparisonOperator, operand: Expression)]
  ) throws(TemplateError) -> Bool {
    var left = try evaluate(first)
    for (operation, operand) in rest {
      let right = try evaluate(operand)
      guard try compare(left, operation, right) else { return false }
      left = right
    }
    return true
  }

  mutating func compare(_ a: Value, _ operation: ComparisonOperator, _ b: Value) throws(TemplateError) -> Bool {
    switch operation {
    case .equal: return try areEqual(a, b)
    case .notEqual: return try !areEqual(a, b)
    case .contained: return try contains(b, a)
    case .notContained: return try !contains(b, a)
    case .ordered(let comparison):
      let a = try a.python(for: comparison.rawValue)
      let b = try b.python(for: comparison.rawValue)
      try spend(comparing: a, b)
      return try a.order(before: b, for: comparison).holds(for: comparison)
    }
  }

  private mutating func areEqual(_ a: Value, _ b: Value) throws(TemplateError) -> Bool {
    switch (a, b) {
    case (.range(let a), .range(let b)): return a == b
    case (.undefined(let a), .undefined(let b)) where a.isEmpty && b.isEmpty: return true
    case (.undefined(let a), .python) where a.isEmpty: return false
    case (.python, .undefined(let b)) where b.isEmpty: return false
    case (.range, .python), (.python, .range): return false
    default:
      let a = try a.python(for: "==")
      let b = try b.python(for: "==")
      try spend(comparing: a, b)
      return a == b
    }
  }

  private mutating func contains(_ container: Value, _ value: Value) throws(TemplateError) -> Bool {
    switch container {
    case .range(let range): return range.contains(try value.python(for: "in"))
    case .view, .generator:
      let value = try value.python(for: "in")
      return try contains(try elements(of: container), value)
    case .namespace, .loop, .function, .method, .loopMethod:
      throw TemplateError(.type, "in: a \(container.typeName) holds no values")
    default: break
    }
    let value = try value.python(for: "in")
    switch try container.python(for: "in") {
    case .string(let text):
      guard case .string(let part) = value else {
        throw TemplateError(.type, "in: a str holds no \(value.typeName)")
      }
      try budget.spend(bytes: text.utf8.count + part.utf8.count)
      return PythonString.firstIndex(of: part, in: text) != nil
    case .list(let values), .tuple(let values): return try contains(values, value)
    case .dictionary(let members):
      try value.checkHashable()
      try budget.spend(whole: value)
      return members[value] != nil
    case let other: throw TemplateError(.type, "in: a \(other.typeName) holds no values")
    }
  }

  private mutating func contains(_ values: [PythonValue], _ value: PythonValue) throws(TemplateError) -> Bool {
    for element in values {
      try spend(comparing: element, value)
      if element == value { return true }
    }
    return false
  }

  /// Comparing goes through the smaller value at most; strings of different lengths are not gone through.
  mutating func spend(comparing a: PythonValue, _ b: PythonValue) throws(TemplateError) {
    switch (a, b) {
    case (.list, .list), (.tuple, .tuple), (.dictionary, .dictionary):
      try budget.spend(whole: a)
      try budget.spend(whole: b)
    case (.string(let a), .string(let b)): try budget.spend(bytes: min(a.utf8.count, b.utf8.count))
    default: try budget.spend()
    }
  }

  // MARK: - Arithmetic

  mutating func compute(
    _ a: PythonValue, _ operation: ArithmeticOperator, _ b: PythonValue
  ) throws(TemplateError) -> PythonValue {
    switch (operation, a, b) {
    case (.add, .string(let a), .string(let b)):
      try budget.spend(bytes: a.utf8.count + b.utf8.count)
      return .string(a + b)
    case (.add, .list(let a), .list(let b)):
      try budget.spend(elements: a.count + b.count)
      return .list(a + b)
    case (.add, .tuple(let a), .tuple(let b)):
      try budget.spend(elements: a.count + b.count)
      return .tuple(a + b)
    case (.multiply, .string(let text), _):
      if let count = b.integer { return .string(try repeated(text, count)) }
    case (.multiply, _, .string(let text)):
      if let count = a.integer { return .string(try repeated(text, count)) }
    case (.multiply, .list(let values), _):
      if let count = b.integer { return .list(try repeated(values, count)) }
    case (.multiply, _, .list(let values)):
      if let count = a.integer { return .list(try repeated(values, count)) }
    case (.multiply, .tuple(let values), _):
      if let count = b.integer { return .tuple(try repeated(values, count)) }
    case (.multiply, _, .tuple(let values)):
      if let count = a.integer { return .tuple(try repeated(values, count)) }
    case (.modulo, .string, _): throw TemplateError(.unsupported, "formatting a str with % is not supported")
    default:
      if let a = a.integer, let b = b.integer { return try PythonNumber.compute(a, operation, b) }
      if let a = a.double, let b = b.double { return .float(try PythonNumber.compute(a, operation, b)) }
    }
    throw TemplateError(.type, "\(operation.rawValue) is not defined between \(a.typeName) and \(b.typeName)")
  }

  private mutating func repeated(_ text: String, _ count: Int) throws(TemplateError) -> String {
    let (bytes, overflows) = text.utf8.count.multipliedReportingOverflow(by: max(count, 0))
    try budget.spend(bytes: overflows ? .max : bytes)
    return bytes == 0 ? "" : String(repeating: text, count: count)
  }

  private mutating func repeated(_ values: [PythonValue], _ count: Int) throws(TemplateError) -> [PythonValue] {
    let (elements, overflows) = values.count.multipliedReportingOverflow(by: max(count, 0))
    try budget.spend(elements: overflows ? .max : elements)
    guard elements > 0 else { return [] }
    for _ in 0..<count {
      for value in values { try budget.spend(whole: value, depth: 1) }
    }
    return Array(repeatElement(values, count: count).joined())
  }

  private func integer(_ value: PythonValue, for operation: String) throws(TemplateError) -> Int {
    guard let integer = value.integer else {
      throw TemplateError(.type, "\(operation) is not defined for \(value.typeName)")
    }
    return integer
  }
}

extension PythonValue {
  /// `float(x)` of a number.
  var double: Double? { if case .float(let value) = self { value } else { integer.map { Double($0) } } }
}

extension PythonNumber {
  static func compute(_ a: Int, _ operation: ArithmeticOperator, _ b: Int) throws(TemplateError) -> PythonValue {
    switch operation {
    case .add: return .integer(try exact(a.addingReportingOverflow(b)))
    case .subtract: return .integer(try exact(a.subtractingReportingOverflow(b)))
    case .multiply: return .integer(try multiply(a, b))
    case .floorDivide: return .integer(try floorDivide(a, b))
    case .modulo: return .integer(try modulo(a, b))
    case .power: return b >= 0 ? .integer(try power(a, b)) : .float(try power(Double(a), Double(b)))
    case .divide:
      guard let x = Double(exactly: a), let y = Double(exactly: b) else {
        throw TemplateError(.limit, "a division of integers that a float does not hold")
      }
      return .float(try divide(x, y))
    }
  }

  static func compute(_ a: Double, _ operation: ArithmeticOperator, _ b: Double) throws(TemplateError) -> Double {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: try divide(a, b)
    case .floorDivide: try floorDivide(a, b)
    case .modulo: try modulo(a, b)
    case .power: try power(a, b)
    }
  }

  private static func exact(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
    guard !result.overflow else { throw tooLarge }
    return result.partialValue
  }
}
