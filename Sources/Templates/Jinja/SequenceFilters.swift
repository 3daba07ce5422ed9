/// Filters of sequences.
extension Renderer {
  mutating func applyToSequence(
    _ filter: Filter, _ value: Value, _ arguments: Arguments
  ) throws(TemplateError) -> Value {
    switch filter {
    case .list:
      _ = try arguments.positional(to: [])
      return .list(try elements(of: value))
    case .first:
      _ = try arguments.positional(to: [])
      return try first(of: value)
    case .last:
      _ = try arguments.positional(to: [])
      if case .generator = value {
        throw TemplateError(.type, "a generator has no last element: |list makes a list of it")
      }
      return try elements(of: value).last.map { .python($0) } ?? Renderer.noElement("last")
    case .reverse: return try reversed(value, arguments)
    case .join: return .string(try join(value, arguments))
    case .map: return .generator(Generator(try mapped(value, arguments)))
    case .select, .reject, .selectattr, .rejectattr:
      return .generator(Generator(try selected(value, filter, arguments)))
    case .sort:
      let bound = try arguments.bound(to: ["reverse", "case_sensitive", "attribute"])
      let isReversed = try bound[0]?.isTrue ?? false
      return .list(try sorted(value, bound[2], caseSensitive: bound[1]?.isTrue ?? false, reversed: isReversed))
    case .dictsort: return .list(try sortedMembers(value, arguments))
    case .unique: return .generator(Generator(try unique(value, arguments)))
    case .min, .max:
      let bound = try arguments.bound(to: ["case_sensitive", "attribute"])
      return try extreme(value, bound[1], caseSensitive: bound[0]?.isTrue ?? false, largest: filter == .max)
    case .sum: return .python(try sum(value, arguments))
    default: throw TemplateError(.unsupported, "\(arguments.callee) is not supported")
    }
  }

  private static func noElement(_ which: String) -> Value {
    .undefined(Undefined(reason: "there is no \(which) element: the sequence is empty"))
  }

  private mutating func first(of value: Value) throws(TemplateError) -> Value {
    if case .generator(let generator) = value {
      return generator.next().map { .python($0) } ?? Renderer.noElement("first")
    }
    return try elements(of: value).first.map { .python($0) } ?? Renderer.noElement("first")
  }

  /// A text backwards, or the elements.
  private mutating func reversed(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
    _ = try arguments.positional(to: [])
    if case .python(.string(let text)) = value {
      try budget.spend(bytes: text.utf8.count)
      return .string(PythonString.text(text.unicodeScalars.reversed()))
    }
    let elements = Array(try elements(of: value).reversed())
    if case .generator = value { return .list(elements) }
    return .generator(Generator(elements))
  }

  private mutating func join(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> String {
    let bound = try arguments.bound(to: ["d", "attribute"])
    let separator = try bound[0].map { value throws(TemplateError) in try text(of: value) } ?? ""
    let path = try AttributePath(bound[1], arguments)
    var result = ""
    for (position, element) in try elements(of: value).enumerated() {
      if position > 0 { try budget.append(separator, to: &result) }
      try budget.append(try text(of: try item(path, of: element)), to: &result)
    }
    return result
  }

  // MARK: - Mapping and selecting

  private mutating func mapped(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> [PythonValue] {
    // None, too, has nothing to map.
    guard try value.isTrue else { return [] }
    let elements = try elements(of: value)
    try budget.spend(elements: elements.count)
    var results: [PythonValue] = []
    if arguments.positional.isEmpty, arguments.keywords.contains(where: { $0.name == "attribute" }) {
      let bound = try arguments.bound(to: ["attribute", "default"])
      let path = try AttributePath(bound[0], arguments)
      for element in elements {
        results.append(try item(path, of: element, default: bound[1]).python(for: arguments.callee))
      }
      return results
    }
    guard let name = arguments.positional.first else {
      throw TemplateError(.type, "\(arguments.callee) needs a filter or an attribute")
    }
    let filter = try Filter(named: try arguments.string(name))
    let rest = Arguments(
      callee: "the filter \(filter.rawValue)", positional: Array(arguments.positional.dropFirst()),
      keywords: arguments.keywords)
    for element in elements {
      results.append(try apply(filter, to: .python(element), rest).python(for: arguments.callee))
    }
    return results
  }

  private mutating func selected(
    _ value: Value, _ filter: Filter, _ arguments: Arguments
  ) throws(TemplateError) -> [PythonValue] {
    guard try value.isTrue else { return [] }
    let elements = try elements(of: value)
    try budget.spend(elements: elements.count)
    var arguments = arguments
    var path = AttributePath()
    if filter == .selectattr || filter == .rejectattr {
      guard !arguments.positional.isEmpty else {
        throw TemplateError(.type, "\(arguments.callee) needs the name of an attribute")
      }
      path = try AttributePath(arguments.positional.removeFirst(), arguments)
    }
    var test: Test?
    if !arguments.positional.isEmpty {
      test = try Test(named: try arguments.string(arguments.positional.removeFirst()))
    }
    let wanted = filter == .select || filter == .selectattr
    var results: [PythonValue] = []
    for element in elements {
      let tested = try item(path, of: element)
      let isTrue = if let test { try passes(tested, test, arguments) } else { try tested.isTrue }
      if isTrue == wanted { results.append(element) }
    }
    return results
  }

  private mutating func unique(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> [PythonValue] {
    let bound = try arguments.bound(to: ["case_sensitive", "attribute"])
    let path = try AttributePath(bound[1], arguments)
    let isCaseSensitive = try bound[0]?.isTrue ?? false
    var seen: Set<PythonValue> = []
    var results: [PythonValue] = []
    for element in try elements(of: value) {
      let key = try key(of: element, path, caseSensitive: isCaseSensitive)
      try key.checkHashable()
      if seen.insert(key).inserted { results.append(element) }
    }
    return results
  }

  // MARK: - Sorting

  private mutating func sorted(
    _ value: Value, _ attribute: Value?, caseSensitive: Bool, reversed: Bool
  ) throws(TemplateError) -> [PythonValue] {
    let elements = try elements(of: value)
    // Several attributes with commas between them: the later ones decide ties.
    let paths = try AttributePath.several(attribute, Arguments(callee: "the filter sort", positional: []))
    var keys: [PythonValue] = []
    for element in elements {
      var parts: [PythonValue] = []
      for path in paths { parts.append(try key(of: element, path, caseSensitive: caseSensitive)) }
      keys.append(.list(parts))
    }
    return try positions(sorting: keys, reversed: reversed).map { elements[$0] }
  }

  private mutating func sortedMembers(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> [PythonValue] {
    let bound = try arguments.bound(to: ["case_sensitive", "by", "reverse"])
    guard case .dictionary(let members) = try value.python(for: arguments.callee) else {
      throw TemplateError(.type, "\(arguments.callee) takes a dict, found a \(value.typeName)")
    }
    let by = try bound[1].map { value throws(TemplateError) in try arguments.string(value) } ?? "key"
    guard by == "key" || by == "value" else {
      throw TemplateError(.value, "\(arguments.callee) sorts by key or value, found \(by)")
    }
    let isCaseSensitive = try bound[0]?.isTrue ?? false
    var keys: [PythonValue] = []
    for member in members {
      let element = by == "key" ? member.key : member.value
      keys.append(try key(of: element, AttributePath(), caseSensitive: isCaseSensitive))
    }
    return try positions(sorting: keys, reversed: bound[2]?.isTrue ?? false).map {
      .tuple([members[$0].key, members[$0].value])
    }
  }

  private mutating func positions(sorting keys: [PythonValue], reversed: Bool) throws(TemplateError) -> [Int] {
    // Each key takes part in about log2(n) comparisons.
    let rounds = keys.count.bitWidth - keys.count.leadingZeroBitCount + 1
    for key in keys { for _ in 0..<rounds { try budget.spend(whole: key) } }
    return try PythonValue.sortedPositions(keys, reversed: reversed)
  }

  private mutating func extreme(
    _ value: Value, _ attribute: Value?, caseSensitive: Bool, largest: Bool
  ) throws(TemplateError) -> Value {
    let path = try AttributePath(attribute, Arguments(callee: "the filter \(largest ? "max" : "min")", positional: []))
    var best: (element: PythonValue, key: PythonValue)?
    for element in try elements(of: value) {
      let key = try key(of: element, path, caseSensitive: caseSensitive)
      guard let (_, bestKey) = best else {
        best = (element, key)
        continue
      }
      try spend(comparing: key, bestKey)
      let comparison: PythonValue.Comparison = largest ? .greater : .less
      if try key.order(before: bestKey, for: comparison).holds(for: comparison) { best = (element, key) }
    }
    return best.map { .python($0.element) } ?? Renderer.noElement(largest ? "largest" : "smallest")
  }

  private mutating func sum(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    let bound = try arguments.bound(to: ["attribute", "start"])
    let path = try AttributePath(bound[0], arguments)
    var total = try bound[1]?.python(for: arguments.callee) ?? .integer(0)
    if case .string = total { throw TemplateError(.type, "\(arguments.callee) adds no texts: |join does") }
    for element in try elements(of: value) {
      total = try compute(total, .add, try item(path, of: element).python(for: arguments.callee))
    }
    return total
  }

  // MARK: - Attributes

  private mutating func item(
    _ path: AttributePath, of element: PythonValue, default fallback: Value? = nil
  ) throws(TemplateError) -> Value {
    var value = Value.python(element)
    for part in path.parts {
      value = try item(part, of: value)
      if let fallback, case .undefined = value, !fallback.isNone { value = fallback }
    }
    return value
  }

  /// What an element is sorted or told apart by.
  private mutating func key(
    of element: PythonValue, _ path: AttributePath, caseSensitive: Bool
  ) throws(TemplateError) -> PythonValue {
    let key = try item(path, of: element).python(for: "a key")
    try budget.spend(whole: key)
    guard !caseSensitive, case .string(let text) = key else { return key }
    return .string(PythonString.lowercase(text))
  }
}

/// The parts of "a.0.b": names, and numbers as indices.
struct AttributePath {
  var parts: [PythonValue] = []

  init() {}

  init(_ attribute: Value?, _ arguments: Arguments) throws(TemplateError) {
    switch try attribute?.python(for: arguments.callee) {
    case nil, PythonValue.none?: break
    case .string(let text)?: parts = try AttributePath(path: text).parts
    case let other?: parts = [other]
    }
  }

  private init(path: String) throws(TemplateError) {
    for part in PythonString.split(path, on: ".") {
      let index = PythonString.isASCIIDigits(part) ? try PythonNumber.integer(part) : nil
      parts.append(index.map { .integer($0) } ?? .string(part))
    }
  }

  /// Paths with commas between them.
  static func several(_ attribute: Value?, _ arguments: Arguments) throws(TemplateError) -> [AttributePath] {
    guard case .python(.string(let text)) = attribute else { return [try AttributePath(attribute, arguments)] }
    var paths: [AttributePath] = []
    for path in PythonString.split(text, on: ",") { paths.append(try AttributePath(path: path)) }
    return paths
  }
}

extension Value {
  fileprivate var isNone: Bool { if case .python(.none) = self { true } else { false } }
}
