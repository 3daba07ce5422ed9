import Files

/// Attributes, items, slices and calls; what a value is as text, as elements and in length.
extension Renderer {
  mutating func apply(_ steps: [Expression.Step], to first: Value) throws(TemplateError) -> Value {
    var value = first
    for step in steps {
      try budget.spend()
      switch step {
      case .attribute(let name): value = try attribute(name, of: value)
      case .item(let index): value = try item(try evaluate(index).python(for: "[ ]"), of: value)
      case .slice(let start, let stop, let step):
        value = try slice(value, try bound(start), try bound(stop), try bound(step))
      case .call(let list): value = try call(value, list)
      case .filter(let filter, let list):
        value = try apply(filter, to: value, try arguments(list, of: "the filter \(filter.rawValue)"))
      case .test(let test, let list, let isNegated):
        let passes = try passes(value, test, try arguments(list, of: "the test \(test.rawValue)"))
        value = .bool(passes != isNegated)
      }
    }
    return value
  }

  // MARK: - Attributes and items

  /// `value.name`: an attribute that Python's type has, else an item.
  func attribute(_ name: String, of value: Value) throws(TemplateError) -> Value {
    switch value {
    case .python(let value):
      if try value.hasMethod(name) { return .method(value, name) }
      if case .dictionary(let members) = value, let member = members[name] { return .python(member) }
      return .undefined(Undefined(reason: "a \(value.typeName) has no attribute \(name)"))
    case .namespace(let namespace):
      let found = namespace.attributes.first { PythonString.equal($0.name, name) }
      return found?.value ?? .undefined(Undefined(reason: "the namespace has no attribute \(name)"))
    case .loop(let loop): return try attribute(name, of: loop)
    case .undefined(let undefined): throw undefined.error
    default:
      throw TemplateError(.unsupported, "\(value.typeName).\(name) is not supported")
    }
  }

  private func attribute(_ name: String, of loop: LoopState) throws(TemplateError) -> Value {
    let count = loop.elements.count
    switch name {
    case "index": return .integer(loop.index0 + 1)
    case "index0": return .integer(loop.index0)
    case "revindex": return .integer(count - loop.index0)
    case "revindex0": return .integer(count - loop.index0 - 1)
    case "first": return .bool(loop.index0 == 0)
    case "last": return .bool(loop.index0 == count - 1)
    case "length": return .integer(count)
    case "depth": return .integer(1)
    case "depth0": return .integer(0)
    case "previtem":
      if loop.index0 > 0 { return .python(loop.elements[loop.index0 - 1]) }
      return .undefined(Undefined(reason: "there is no previous item"))
    case "nextitem":
      if loop.index0 + 1 < count { return .python(loop.elements[loop.index0 + 1]) }
      return .undefined(Undefined(reason: "there is no next item"))
    case "changed", "cycle": return .loopMethod(loop, name)
    default: return .undefined(Undefined(reason: "loop has no attribute \(name)"))
    }
  }

  /// `value[index]`: an item, else an attribute of that name.
  mutating func item(_ index: PythonValue, of value: Value) throws(TemplateError) -> Value {
    try budget.spend(whole: index)
    let container: PythonValue
    switch value {
    case .python(let value): container = value
    case .range(let range):
      if let position = index.integer.flatMap({ $0.position(in: range.count) }) { return .integer(range[position]) }
      return .undefined(Undefined(reason: "a range has no element \(index.shortRepresentation)"))
    case .loop, .namespace:
      if case .string(let name) = index { return try attribute(name, of: value) }
      container = try value.python(for: "[ ]")
    default: container = try value.python(for: "[ ]")
    }
    switch container {
    case .dictionary(let members):
      if let member = members[index] { return .python(member) }
    case .list(let values), .tuple(let values):
      if let position = index.integer.flatMap({ $0.position(in: values.count) }) { return .python(values[position]) }
    case .string(let text):
      if let index = index.integer {
        try budget.spend(bytes: text.utf8.count)
        let scalars = text.unicodeScalars
        if let position = index.position(in: scalars.count) {
          return .string(String(Character(scalars[scalars.index(scalars.startIndex, offsetBy: position)])))
        }
      }
    default: break
    }
    if case .string(let name) = index { return try attribute(name, of: value) }
    return .undefined(Undefined(reason: "a \(container.typeName) has no element \(index.shortRepresentation)"))
  }

  private mutating func bound(_ expression: Expression?) throws(TemplateError) -> Int? {
    guard let expression else { return nil }
    let value = try evaluate(expression).python(for: "[ : ]")
    if case .none = value { return nil }
    guard let bound = value.integer else {
      throw TemplateError(.type, "[ : ] takes integers, found a \(value.typeName)")
    }
    return bound
  }

  private mutating func slice(_ value: Value, _ start: Int?, _ stop: Int?, _ step: Int?) throws(TemplateError) -> Value
  {
    switch try value.python(for: "[ : ]") {
    case .string(let text):
      try budget.spend(bytes: text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      let positions = try PythonSlice(start, stop, step, count: scalars.count)
      return .string(PythonString.text(positions.lazy.map { scalars[$0] }))
    case .list(let values):
      let positions = try PythonSlice(start, stop, step, count: values.count)
      try budget.spend(elements: positions.count)
      return .list(positions.map { values[$0] })
    case .tuple(let values):
      let positions = try PythonSlice(start, stop, step, count: values.count)
      try budget.spend(elements: positions.count)
      return .python(.tuple(positions.map { values[$0] }))
    case let other: throw TemplateError(.type, "a \(other.typeName) has no slices")
    }
  }

  // MARK: - Calls

  private mutating func arguments(_ list: ArgumentList, of callee: String) throws(TemplateError) -> Arguments {
    var arguments = Arguments(callee: callee, positional: [])
    for expression in list.positional { arguments.positional.append(try evaluate(expression)) }
    for (name, expression) in list.keywords { arguments.keywords.append((name, try evaluate(expression))) }
    return arguments
  }

  private mutating func call(_ value: Value, _ list: ArgumentList) throws(TemplateError) -> Value {
    switch value {
    case .method(let receiver, let name):
      return try call(name, of: receiver, try arguments(list, of: "\(receiver.typeName).\(name)"))
    case .loopMethod(let loop, let name):
      return try call(name, of: loop, try arguments(list, of: "loop.\(name)"))
    case .function(let function): return try call(function, try arguments(list, of: function.rawValue))
    case .undefined(let undefined): throw undefined.error
    case .loop: throw TemplateError(.unsupported, "recursive loops are not supported")
    default: throw TemplateError(.type, "a \(value.typeName) cannot be called")
    }
  }

  private mutating func call(
    _ name: String, of loop: LoopState, _ arguments: Arguments
  ) throws(TemplateError) -> Value {
    guard arguments.keywords.isEmpty else { throw TemplateError(.type, "loop.\(name) takes no arguments by name") }
    if name == "cycle" {
      guard !arguments.positional.isEmpty else { throw TemplateError(.type, "loop.cycle needs a value") }
      return arguments.positional[loop.index0 % arguments.positional.count]
    }
    var values: [PythonValue] = []
    for argument in arguments.positional {
      let value = try argument.python(for: "loop.changed")
      try budget.spend(whole: value)
      values.append(value)
    }
    defer { loop.lastChanged = values }
    return .bool(loop.lastChanged != values)
  }

  private mutating func call(_ function: Function, _ arguments: Arguments) throws(TemplateError) -> Value {
    switch function {
    case .range:
      let bounds = try arguments.positional(to: ["start", "stop", "step"], required: 1)
      var numbers: [Int] = []
      for case let bound? in bounds { numbers.append(try arguments.integer(bound)) }
      return .range(
        try PythonRange(
          start: numbers.count > 1 ? numbers[0] : 0, stop: numbers.count > 1 ? numbers[1] : numbers[0],
          step: numbers.count > 2 ? numbers[2] : 1))
    case .dict: return .python(.dictionary(try dictionary(arguments)))
    case .namespace:
      let named = arguments.keywords
      let initial = Arguments(callee: arguments.callee, positional: arguments.positional)
      var attributes: [(name: String, value: Value)] = []
      for (key, value) in try dictionary(initial) {
        guard case .string(let name) = key, !named.contains(where: { $0.name == name }) else { continue }
        attributes.append((name, .python(value)))
      }
      for case (_, .namespace) in named {
        throw TemplateError(.unsupported, "a namespace within a namespace is not supported")
      }
      return .namespace(Namespace(attributes + named))
    }
  }

  /// `dict(mapping or pairs, name=value, …)`
  private mutating func dictionary(_ arguments: Arguments) throws(TemplateError) -> PythonDictionary {
    guard arguments.positional.count <= 1 else { throw TemplateError(.type, "dict takes at most 1 argument") }
    var result = PythonDictionary()
    switch arguments.positional.first {
    case nil: break
    case .python(.dictionary(let members)): result = members
    case let pairs?:
      for pair in try elements(of: pairs) {
        guard let pair = pair.elements, pair.count == 2 else { throw TemplateError(.type, "dict takes pairs") }
        try pair[0].checkHashable()
        result[pair[0]] = pair[1]
      }
    }
    for (name, value) in arguments.keywords { result[name] = try value.python(for: "an element of a dict") }
    try budget.spend(whole: .dictionary(result))
    return result
  }

  // MARK: - Text, elements, length

  /// `str(value)`
  mutating func text(of value: Value) throws(TemplateError) -> String {
    switch value {
    case .python(.string(let text)), .markup(let text): return text
    case .python(let value):
      try budget.spend(whole: value)
      return value.text
    case .undefined(let undefined):
      guard undefined.isEmpty else { throw undefined.error }
      return ""
    case .range(let range): return range.text
    case .view(let name, let values):
      try budget.spend(whole: .list(values))
      return "\(name)(\(PythonValue.list(values).representation))"
    case .method(let receiver, let name):
      throw TemplateError(
        .unsupported, "the method \(receiver.typeName).\(name) is printed: an item of that name is written ['\(name)']")
    case .generator, .namespace, .loop, .loopMethod, .function:
      throw TemplateError(.unsupported, "a \(value.typeName) is printed: it has no text of its own")
    }
  }

  /// `list(value)`
  mutating func elements(of value: Value) throws(TemplateError) -> [PythonValue] {
    switch value {
    case .range(let range):
      try budget.spend(elements: range.count)
      return (0..<range.count).map { .integer(range[$0]) }
    case .view(_, let values): return values
    case .generator(let generator): return generator.takeAll()
    case .undefined(let undefined):
      guard undefined.isEmpty else { throw undefined.error }
      return []
    case .markup: return try elements(of: .python(try value.python(for: "a loop")))
    case .python(.list(let values)), .python(.tuple(let values)): return values
    case .python(.dictionary(let members)): return members.map { $0.key }
    case .python(.string(let text)):
      try budget.spend(elements: text.unicodeScalars.count)
      return text.unicodeScalars.map { .string(String(Character($0))) }
    default: throw TemplateError(.type, "a \(value.typeName) has no elements to go through")
    }
  }

  /// `len(value)`
  mutating func length(of value: Value) throws(TemplateError) -> Int {
    switch value {
    case .python(.string(let text)), .markup(let text):
      try budget.spend(bytes: text.utf8.count)
      return PythonString.length(text)
    case .python(.list(let values)), .python(.tuple(let values)), .view(_, let values): return values.count
    case .python(.dictionary(let members)): return members.count
    case .range(let range): return range.count
    case .loop(let loop): return loop.elements.count
    case .undefined(let undefined):
      guard undefined.isEmpty else { throw undefined.error }
      return 0
    default: throw TemplateError(.type, "a \(value.typeName) has no length")
    }
  }
}

extension Int {
  /// The position that an index, negative from the end, stands for.
  fileprivate func position(in count: Int) -> Int? {
    let position = self < 0 ? self + count : self
    return (0..<count).contains(position) ? position : nil
  }
}
