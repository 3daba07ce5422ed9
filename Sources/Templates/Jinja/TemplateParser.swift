/// Reads the statements of a template, as Jinja 3.1's parser does.
struct TemplateParser {
  /// As deep as brackets and blocks may nest.
  static let depthLimit = 64

  let tokens: [Token]
  var position = 0
  private var depth = 0
  /// How often the name `loop` was read.
  var loopMentions = 0

  /// - Throws: `TemplateError` with the line.
  static func statements(of source: String) throws(TemplateError) -> [Statement] {
    var parser = TemplateParser(tokens: try Lexer.tokens(of: source))
    do {
      return try parser.statements(of: "the template", until: []).body
    } catch {
      throw TemplateError(error.kind, error.reason, line: error.line ?? parser.line)
    }
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  // MARK: - Statements

  /// The statements up to a tag with one of the names, which is taken, and its name.
  private mutating func statements(
    of block: String, until ends: [String]
  ) throws(TemplateError) -> (body: [Statement], end: String) {
    try enter()
    defer { leave() }
    let start = line
    var body: [Statement] = []
    while true {
      let line = line
      switch kind {
      case .text(let text):
        advance()
        body.append(.text(text))
      case .outputStart:
        advance()
        body.append(.output(try tupleOrExpression(), line: line))
        try expect(.outputEnd)
      case .tagStart:
        advance()
        guard case .name(let name) = kind else { throw unexpected("the name of a tag") }
        if ends.contains(name) {
          advance()
          return (body, name)
        }
        body.append(try statement(name, line: line))
        try expect(.tagEnd)
      case .end where ends.isEmpty: return (body, "")
      case .end: throw TemplateError(.syntax, "{% \(block) %} without {% \(ends[ends.count - 1]) %}", line: start)
      default: throw unexpected("text or a tag")
      }
    }
  }

  /// A statement whose name is next, up to the end of its last tag.
  private mutating func statement(_ name: String, line: Int) throws(TemplateError) -> Statement {
    switch name {
    case "if": return try conditional()
    case "for": return .loop(try loop(), line: line)
    case "set": return try assignment(line: line)
    case "with": return try scope(line: line)
    case "filter":
      advance()
      var steps = [try filter()]
      while take(.pipe) { steps.append(try filter()) }
      return .filtered(steps, body: try body(of: name), line: line)
    case _ where TemplateParser.refused.contains(name):
      throw TemplateError(.unsupported, "{% \(name) %} is not supported")
    default:
      throw TemplateError(.syntax, "an unexpected tag {% \(name) %}")
    }
  }

  private static let refused: Set<String> = [
    "autoescape", "block", "break", "call", "continue", "debug", "do", "extends", "from", "import", "include", "macro",
    "print", "trans",
  ]

  /// What stands between a tag's end and its closing tag.
  private mutating func body(of name: String) throws(TemplateError) -> [Statement] {
    try endOfTag()
    return try statements(of: name, until: ["end" + name]).body
  }

  /// The end of an opening tag, and the colon that some write before it.
  private mutating func endOfTag() throws(TemplateError) {
    _ = take(.colon)
    try expect(.tagEnd)
  }

  private mutating func conditional() throws(TemplateError) -> Statement {
    var branches: [(test: Expression, line: Int, body: [Statement])] = []
    advance()
    while true {
      let line = line
      let test = try tupleOrExpression(withConditional: false)
      try endOfTag()
      let (body, end) = try statements(of: "if", until: ["elif", "else", "endif"])
      branches.append((test, line, body))
      switch end {
      case "elif": continue
      case "else": return .conditional(branches, otherwise: try self.body(of: "if"))
      default: return .conditional(branches, otherwise: [])
      }
    }
  }

  private mutating func loop() throws(TemplateError) -> Statement.Loop {
    advance()
    let target = try target(until: "in")
    if case .name("loop") = target { throw TemplateError(.syntax, "a loop over \"loop\"") }
    guard take(name: "in") else { throw unexpected("\"in\"") }
    let elements = try tupleOrExpression(withConditional: false, until: "recursive")
    let test = take(name: "if") ? try expression() : nil
    if take(name: "recursive") { throw TemplateError(.unsupported, "recursive loops are not supported") }
    let mentions = loopMentions
    try endOfTag()
    let (body, end) = try statements(of: "for", until: ["else", "endfor"])
    let usesLoop = loopMentions > mentions
    let otherwise = end == "else" ? try self.body(of: "for") : []
    return Statement.Loop(
      target: target, elements: elements, test: test, body: body, otherwise: otherwise, usesLoop: usesLoop)
  }

  private mutating func assignment(line: Int) throws(TemplateError) -> Statement {
    advance()
    let target = try target(until: nil, allowsAttribute: true)
    if take(.assign) { return .assignment(target, try tupleOrExpression(), line: line) }
    var steps: [Expression.Step] = []
    while take(.pipe) { steps.append(try filter()) }
    return .capture(target, steps, body: try body(of: "set"), line: line)
  }

  private mutating func scope(line: Int) throws(TemplateError) -> Statement {
    advance()
    var assignments: [(target: Target, value: Expression)] = []
    while kind != .tagEnd {
      if !assignments.isEmpty { try expect(.symbol(.comma)) }
      let target = try target(until: nil)
      try expect(.symbol(.assign))
      assignments.append((target, try expression()))
    }
    return .scope(assignments, body: try body(of: "with"), line: line)
  }

  // MARK: - Targets

  /// One target, or several with commas, up to a name or whatever follows.
  private mutating func target(until end: String?, allowsAttribute: Bool = false) throws(TemplateError) -> Target {
    let first = try singleTarget(allowsAttribute: allowsAttribute)
    guard kind == .symbol(.comma) else { return first }
    var targets = [first]
    while take(.comma) {
      if let end, kind == .name(end) { break }
      if kind == .tagEnd || kind == .symbol(.rightParenthesis) { break }
      targets.append(try singleTarget(allowsAttribute: allowsAttribute))
    }
    return .tuple(targets)
  }

  private mutating func singleTarget(allowsAttribute: Bool) throws(TemplateError) -> Target {
    if take(.leftParenthesis) {
      try enter()
      defer { leave() }
      let target = try target(until: nil)
      try expect(.symbol(.rightParenthesis))
      return target
    }
    guard case .name(let name) = kind, !ExpressionKeyword.constants.contains(name) else {
      throw unexpected("a name to assign to")
    }
    advance()
    guard allowsAttribute, take(.dot) else { return .name(name) }
    guard case .name(let attribute) = kind else { throw unexpected("the name of an attribute") }
    advance()
    return .attribute(of: name, attribute)
  }

  // MARK: - Tokens

  var kind: Token.Kind { tokens[position].kind }
  var line: Int { tokens[position].line }

  /// The token after the next one.
  var following: Token.Kind { tokens[min(position + 1, tokens.count - 1)].kind }

  mutating func advance() { if position < tokens.count - 1 { position += 1 } }

  mutating func take(_ symbol: Token.Symbol) -> Bool {
    guard kind == .symbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func take(name: String) -> Bool {
    guard kind == .name(name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ wanted: Token.Kind) throws(TemplateError) {
    guard kind == wanted else { throw unexpected(wanted.description) }
    advance()
  }

  func unexpected(_ wanted: String) -> TemplateError {
    TemplateError(.syntax, "expected \(wanted), found \(kind)")
  }

  mutating func enter() throws(TemplateError) {
    depth += 1
    guard depth <= TemplateParser.depthLimit else {
      throw TemplateError(.limit, "brackets and blocks nest more than \(TemplateParser.depthLimit) deep")
    }
  }

  mutating func leave() { depth -= 1 }
}
