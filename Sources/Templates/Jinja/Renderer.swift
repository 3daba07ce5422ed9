/// Renders the statements of a template for one row.
struct Renderer {
  private typealias Scope = [(name: String, value: Value)]

  private let variables: PythonDictionary
  /// What statements have assigned, the innermost block last.
  private var scopes: [Scope] = [[]]
  private var output = ""
  var budget = Budget()

  init(variables: PythonDictionary) { self.variables = variables }

  mutating func text(of statements: [Statement]) throws(TemplateError) -> String {
    try run(statements)
    return output
  }

  /// The value of an expression, as text if only a template has it.
  mutating func value(of expression: Expression, line: Int) throws(TemplateError) -> PythonValue {
    try at(line) { renderer throws(TemplateError) in
      let value = try renderer.evaluate(expression)
      guard case .python(let python) = value else { return .string(try renderer.text(of: value)) }
      try renderer.budget.spend(whole: python)
      return python
    }
  }

  // MARK: - Statements

  private mutating func run(_ statements: [Statement]) throws(TemplateError) {
    for statement in statements {
      try budget.spend()
      switch statement {
      case .text(let text): try write(text)
      case .output(let expression, let line):
        try at(line) { renderer throws(TemplateError) in
          try renderer.write(try renderer.text(of: try renderer.evaluate(expression)))
        }
      case .conditional(let branches, let otherwise):
        if let body = try chosen(branches) { try run(body) } else { try run(otherwise) }
      case .loop(let loop, let line): try run(loop, line: line)
      case .assignment(let target, let expression, let line):
        try at(line) { renderer throws(TemplateError) in
          try renderer.assign(try renderer.evaluate(expression), to: target)
        }
      case .capture(let target, let steps, let body, let line):
        let text = try captured(body)
        try at(line) { renderer throws(TemplateError) in
          try renderer.assign(try renderer.apply(steps, to: .string(text)), to: target)
        }
      case .filtered(let steps, let body, let line):
        let text = try captured(body)
        try at(line) { renderer throws(TemplateError) in
          try renderer.write(try renderer.text(of: try renderer.apply(steps, to: .string(text))))
        }
      case .scope(let assignments, let body, let line):
        var values: [(Target, Value)] = []
        try at(line) { renderer throws(TemplateError) in
          for (target, expression) in assignments { values.append((target, try renderer.evaluate(expression))) }
        }
        try inScope { renderer throws(TemplateError) in
          for (target, value) in values {
            try renderer.at(line) { renderer throws(TemplateError) in try renderer.assign(value, to: target) }
          }
          try renderer.run(body)
        }
      }
    }
  }

  private mutating func chosen(
    _ branches: [(test: Expression, line: Int, body: [Statement])]
  ) throws(TemplateError) -> [Statement]? {
    for branch in branches {
      let isTrue = try at(branch.line) { renderer throws(TemplateError) in
        try renderer.evaluate(branch.test).isTrue
      }
      if isTrue { return branch.body }
    }
    return nil
  }

  private mutating func run(_ loop: Statement.Loop, line: Int) throws(TemplateError) {
    var elements = try at(line) { renderer throws(TemplateError) in
      try renderer.elements(of: try renderer.evaluate(loop.elements))
    }
    // The test of an element runs just before its body, and may see what earlier bodies set in a namespace, unless the
    // body asks how many elements there are.
    var test = loop.test
    if loop.usesLoop, let filter = test {
      elements = try elements.filtered { element throws(TemplateError) in
        try self.passes(element, filter, loop.target, line: line)
      }
      test = nil
    }
    let state = LoopState(elements)
    var isEmpty = true
    for (index, element) in elements.enumerated() {
      try budget.spend()
      if let test {
        guard try passes(element, test, loop.target, line: line) else { continue }
      }
      isEmpty = false
      state.index0 = index
      try inScope { renderer throws(TemplateError) in
        try renderer.at(line) { renderer throws(TemplateError) in
          try renderer.assign(.python(element), to: loop.target)
        }
        if loop.usesLoop { try renderer.assign(.loop(state), to: .name("loop")) }
        try renderer.run(loop.body)
      }
    }
    if isEmpty { try inScope { renderer throws(TemplateError) in try renderer.run(loop.otherwise) } }
  }

  private mutating func passes(
    _ element: PythonValue, _ test: Expression, _ target: Target, line: Int
  ) throws(TemplateError) -> Bool {
    try inScope { renderer throws(TemplateError) in
      try renderer.at(line) { renderer throws(TemplateError) in
        try renderer.assign(.python(element), to: target)
        return try renderer.evaluate(test).isTrue
      }
    }
  }

  /// What statements render, in a scope of their own.
  private mutating func captured(_ body: [Statement]) throws(TemplateError) -> String {
    let before = output
    output = ""
    try inScope { renderer throws(TemplateError) in try renderer.run(body) }
    let text = output
    output = before
    return text
  }

  private mutating func write(_ text: String) throws(TemplateError) {
    try budget.append(text, to: &output)
  }

  /// Errors of what is done get the line of the statement.
  private mutating func at<Result>(
    _ line: Int, _ work: (inout Renderer) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    do { return try work(&self) } catch {
      throw TemplateError(error.kind, error.reason, line: error.line ?? line)
    }
  }

  // MARK: - Names

  private mutating func inScope<Result>(
    _ work: (inout Renderer) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    scopes.append([])
    defer { scopes.removeLast() }
    return try work(&self)
  }

  func value(of name: String) throws(TemplateError) -> Value {
    for scope in scopes.reversed() {
      if let binding = scope.last(where: { PythonString.equal($0.name, name) }) { return binding.value }
    }
    if let value = variables[name] { return .python(value) }
    if let function = Function(rawValue: name) { return .function(function) }
    if ["cycler", "joiner", "lipsum"].contains(name) { throw TemplateError(.unsupported, "\(name) is not supported") }
    return .undefined(Undefined(reason: "\(name) is undefined"))
  }

  private mutating func assign(_ value: Value, to target: Target) throws(TemplateError) {
    switch target {
    case .name(let name):
      let innermost = scopes.count - 1
      if let position = scopes[innermost].firstIndex(where: { PythonString.equal($0.name, name) }) {
        scopes[innermost][position].value = value
      } else {
        scopes[innermost].append((name, value))
      }
    case .tuple(let targets):
      let values = try elements(of: value)
      guard values.count == targets.count else {
        throw TemplateError(.value, "\(values.count) values cannot be assigned to \(targets.count) names")
      }
      for (target, value) in zip(targets, values) { try assign(.python(value), to: target) }
    case .attribute(let name, let attribute):
      guard case .namespace(let namespace) = try self.value(of: name) else {
        throw TemplateError(.type, "\(name).\(attribute) cannot be set: \(name) is no namespace")
      }
      try namespace.set(attribute, value)
    }
  }
}

extension Namespace {
  fileprivate func set(_ name: String, _ value: Value) throws(TemplateError) {
    if case .namespace = value { throw TemplateError(.unsupported, "a namespace within a namespace is not supported") }
    if let position = attributes.firstIndex(where: { PythonString.equal($0.name, name) }) {
      attributes[position].value = value
    } else {
      attributes.append((name, value))
    }
  }
}

extension Array {
  fileprivate func filtered<Failure: Error>(
    _ isIncluded: (Element) throws(Failure) -> Bool
  ) throws(Failure) -> [Element] {
    var included: [Element] = []
    for element in self where try isIncluded(element) { included.append(element) }
    return included
  }
}
