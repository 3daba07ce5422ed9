/// Names that mean something in an expression.
enum ExpressionKeyword {
  static let constants: Set<String> = ["true", "false", "none", "True", "False", "None"]
}

/// Jinja's grammar of expressions, loosest first: `if`, `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, `**`,
/// signs, and what follows a value. It differs from Python's: `-2 ** 2` is 4, `a + b|length` is a + (b|length), and a
/// filter after a sign gets the signed value.
extension TemplateParser {
  /// An expression, or several with commas.
  /// - Parameter end: a name that may follow a comma instead of another one.
  mutating func tupleOrExpression(
    withConditional: Bool = true, until end: String? = nil, inParentheses: Bool = false
  ) throws(TemplateError) -> Expression {
    if inParentheses, kind == .symbol(.rightParenthesis) { return .tuple([]) }
    let first = try expression(withConditional: withConditional)
    guard kind == .symbol(.comma) else { return first }
    var elements = [first]
    while take(.comma) {
      if kind == .outputEnd || kind == .tagEnd || kind == .symbol(.rightParenthesis) { break }
      if let end, kind == .name(end) { break }
      elements.append(try expression(withConditional: withConditional))
    }
    return .tuple(elements)
  }

  mutating func expression(withConditional: Bool = true) throws(TemplateError) -> Expression {
    try enter()
    defer { leave() }
    var value = try or()
    guard withConditional else { return value }
    var entered = 0
    defer { for _ in 0..<entered { leave() } }
    while take(name: "if") {
      try enter()
      entered += 1
      let test = try or()
      value = .conditional(value, test: test, otherwise: take(name: "else") ? try expression() : nil)
    }
    return value
  }

  private mutating func or() throws(TemplateError) -> Expression {
    var operands = [try and()]
    while take(name: "or") { operands.append(try and()) }
    return operands.count == 1 ? operands[0] : .or(operands)
  }

  private mutating func and() throws(TemplateError) -> Expression {
    var operands = [try not()]
    while take(name: "and") { operands.append(try not()) }
    return operands.count == 1 ? operands[0] : .and(operands)
  }

  private mutating func not() throws(TemplateError) -> Expression {
    guard take(name: "not") else { return try comparison() }
    try enter()
    defer { leave() }
    return .not(try not())
  }

  private mutating func comparison() throws(TemplateError) -> Expression {
    let first = try sum()
    var rest: [(operation: ComparisonOperator, operand: Expression)] = []
    while let operation = takeComparison() { rest.append((operation, try sum())) }
    return rest.isEmpty ? first : .comparison(first, rest)
  }

  private mutating func takeComparison() -> ComparisonOperator? {
    let operation: ComparisonOperator
    switch kind {
    case .symbol(.equal): operation = .equal
    case .symbol(.notEqual): operation = .notEqual
    case .symbol(.less): operation = .ordered(.less)
    case .symbol(.lessOrEqual): operation = .ordered(.lessOrEqual)
    case .symbol(.greater): operation = .ordered(.greater)
    case .symbol(.greaterOrEqual): operation = .ordered(.greaterOrEqual)
    case .name("in"): operation = .contained
    case .name("not") where following == .name("in"):
      advance()
      operation = .notContained
    default: return nil
    }
    advance()
    return operation
  }

  // MARK: - Arithmetic

  private mutating func sum() throws(TemplateError) -> Expression {
    let first = try concatenation()
    var rest: [(operation: ArithmeticOperator, operand: Expression)] = []
    while let operation = takeArithmetic([.plus: .add, .minus: .subtract]) {
      rest.append((operation, try concatenation()))
    }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  private mutating func concatenation() throws(TemplateError) -> Expression {
    var operands = [try product()]
    while take(.tilde) { operands.append(try product()) }
    return operands.count == 1 ? operands[0] : .concatenation(operands)
  }

  private mutating func product() throws(TemplateError) -> Expression {
    let first = try power()
    var rest: [(operation: ArithmeticOperator, operand: Expression)] = []
    while let operation = takeArithmetic([
      .times: .multiply, .divide: .divide, .floorDivide: .floorDivide, .modulo: .modulo,
    ]) {
      rest.append((operation, try power()))
    }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  /// Associates to the left, unlike Python's.
  private mutating func power() throws(TemplateError) -> Expression {
    let first = try signed()
    var rest: [(operation: ArithmeticOperator, operand: Expression)] = []
    while let operation = takeArithmetic([.power: .power]) { rest.append((operation, try signed())) }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  private mutating func takeArithmetic(_ operators: [Token.Symbol: ArithmeticOperator]) -> ArithmeticOperator? {
    guard case .symbol(let symbol) = kind, let operation = operators[symbol] else { return nil }
    advance()
    return operation
  }

  /// - Parameter withFilters: false after a sign, where filters belong to the signed value.
  private mutating func signed(withFilters: Bool = true) throws(TemplateError) -> Expression {
    var value: Expression
    if kind == .symbol(.minus) || kind == .symbol(.plus) {
      let isNegative = kind == .symbol(.minus)
      advance()
      try enter()
      defer { leave() }
      let operand = try signed(withFilters: false)
      value = isNegative ? .negative(operand) : .positive(operand)
    } else {
      value = try primary()
    }
    let steps = try accesses() + (withFilters ? filtersAndTests() : [])
    if !steps.isEmpty { value = .steps(value, steps) }
    return value
  }

  // MARK: - Values

  private mutating func primary() throws(TemplateError) -> Expression {
    switch kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return .constant(.bool(true))
      case "false", "False": return .constant(.bool(false))
      case "none", "None": return .constant(.none)
      case "self": throw TemplateError(.unsupported, "self is not supported")
      case "loop":
        loopMentions += 1
        return .name(name)
      default: return .name(name)
      }
    case .string(var value):
      advance()
      while case .string(let more) = kind {
        value += more
        advance()
      }
      return .constant(.string(value))
    case .integer(let value):
      advance()
      return .constant(.integer(value))
    case .float(let value):
      advance()
      return .constant(.float(value))
    case .symbol(.leftParenthesis):
      advance()
      let value = try tupleOrExpression(inParentheses: true)
      try expect(.symbol(.rightParenthesis))
      return value
    case .symbol(.leftBracket):
      advance()
      return .list(try elements(until: .rightBracket) { parser throws(TemplateError) in try parser.expression() })
    case .symbol(.leftBrace):
      advance()
      return .dictionary(
        try elements(until: .rightBrace) { parser throws(TemplateError) in
          let key = try parser.expression()
          try parser.expect(.symbol(.colon))
          return (key, try parser.expression())
        })
    default: throw unexpected("an expression")
    }
  }

  /// Elements with commas between them, up to a bracket, which is taken.
  private mutating func elements<Element>(
    until end: Token.Symbol, _ read: (inout TemplateParser) throws(TemplateError) -> Element
  ) throws(TemplateError) -> [Element] {
    var elements: [Element] = []
    while !take(end) {
      if !elements.isEmpty {
        try expect(.symbol(.comma))
        if take(end) { break }
      }
      elements.append(try read(&self))
    }
    return elements
  }

  // MARK: - Steps

  /// Attributes, subscripts and calls.
  private mutating func accesses() throws(TemplateError) -> [Expression.Step] {
    var steps: [Expression.Step] = []
    while true {
      switch kind {
      case .symbol(.dot): steps.append(try attribute())
      case .symbol(.leftBracket): steps.append(try subscripted())
      case .symbol(.leftParenthesis): steps.append(.call(try arguments()))
      default: return steps
      }
    }
  }

  private mutating func filtersAndTests() throws(TemplateError) -> [Expression.Step] {
    var steps: [Expression.Step] = []
    while true {
      switch kind {
      case .symbol(.pipe):
        advance()
        steps.append(try filter())
      case .name("is"): steps.append(try test())
      case .symbol(.leftParenthesis): steps.append(.call(try arguments()))
      default: return steps
      }
    }
  }

  private mutating func attribute() throws(TemplateError) -> Expression.Step {
    advance()
    switch kind {
    case .name(let name):
      advance()
      return .attribute(name)
    case .integer(let index):
      advance()
      return .item(.constant(.integer(index)))
    default: throw unexpected("a name or a number")
    }
  }

  private mutating func subscripted() throws(TemplateError) -> Expression.Step {
    advance()
    let start = kind == .symbol(.colon) ? nil : try expression()
    let step: Expression.Step
    if take(.colon) {
      let stop = try sliceBound()
      step = .slice(start, stop, take(.colon) ? try sliceBound() : nil)
    } else if let start {
      step = .item(start)
    } else {
      throw unexpected("an expression")
    }
    if kind == .symbol(.comma) { throw TemplateError(.unsupported, "a comma in [ ] is not supported") }
    try expect(.symbol(.rightBracket))
    return step
  }

  private mutating func sliceBound() throws(TemplateError) -> Expression? {
    switch kind {
    case .symbol(.colon), .symbol(.rightBracket), .symbol(.comma): nil
    default: try expression()
    }
  }

  /// A filter, whose name is next.
  mutating func filter() throws(TemplateError) -> Expression.Step {
    let filter = try Filter(named: dottedName())
    return .filter(filter, kind == .symbol(.leftParenthesis) ? try arguments() : ArgumentList())
  }

  private mutating func test() throws(TemplateError) -> Expression.Step {
    advance()
    let isNegated = take(name: "not")
    let test = try Test(named: dottedName())
    return .test(test, try testArguments(), isNegated: isNegated)
  }

  /// In parentheses, or one value without.
  private mutating func testArguments() throws(TemplateError) -> ArgumentList {
    switch kind {
    case .symbol(.leftParenthesis): return try arguments()
    case .name("else"), .name("or"), .name("and"): return ArgumentList()
    case .name("is"): throw TemplateError(.syntax, "a test of a test: is … is")
    case .name, .string, .integer, .float, .symbol(.leftBracket), .symbol(.leftBrace):
      let value = try primary()
      let steps = try accesses()
      return ArgumentList(positional: [steps.isEmpty ? value : .steps(value, steps)])
    default: return ArgumentList()
    }
  }

  private mutating func dottedName() throws(TemplateError) -> String {
    guard case .name(var name) = kind else { throw unexpected("a name") }
    advance()
    while take(.dot) {
      guard case .name(let more) = kind else { throw unexpected("a name") }
      name += "." + more
      advance()
    }
    return name
  }

  private mutating func arguments() throws(TemplateError) -> ArgumentList {
    advance()
    var list = ArgumentList()
    while !take(.rightParenthesis) {
      if !list.positional.isEmpty || !list.keywords.isEmpty {
        try expect(.symbol(.comma))
        if take(.rightParenthesis) { break }
      }
      if kind == .symbol(.times) || kind == .symbol(.power) {
        throw TemplateError(.unsupported, "arguments from a list or a dict, *a or **a, are not supported")
      }
      if case .name(let name) = kind, following == .symbol(.assign) {
        guard !list.keywords.contains(where: { PythonString.equal($0.name, name) }) else {
          throw TemplateError(.syntax, "the argument \(name) is given twice")
        }
        advance()
        advance()
        list.keywords.append((name, try expression()))
      } else {
        guard list.keywords.isEmpty else { throw TemplateError(.syntax, "an argument without a name after one with") }
        list.positional.append(try expression())
      }
    }
    return list
  }
}
