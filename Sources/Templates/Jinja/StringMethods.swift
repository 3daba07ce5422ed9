/// The methods of `str`.
extension Renderer {
  mutating func call(_ name: String, of text: String, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    switch name {
    case "strip", "lstrip", "rstrip": return .string(try strip(text, name, arguments))
    case "split", "rsplit": return .list(try split(text, fromEnd: name == "rsplit", arguments))
    case "splitlines":
      let keepsEnds = try arguments.bound(to: ["keepends"])[0]?.isTrue ?? false
      return try list(PythonString.splitLines(text, keepingEnds: keepsEnds))
    case "partition", "rpartition": return try partition(text, fromEnd: name == "rpartition", arguments)
    case "join":
      let elements = try elements(of: try arguments.positional(to: ["iterable"], required: 1)[0] ?? .none)
      return .string(try join(elements, with: text))
    case "replace": return .string(try replace(text, arguments))
    case "find", "rfind", "index", "rindex", "count": return try search(text, name, arguments)
    case "startswith", "endswith": return .bool(try begins(text, atEnd: name == "endswith", arguments))
    case "removeprefix", "removesuffix":
      let part = try arguments.string(try arguments.positional(to: ["part"], required: 1)[0] ?? .none)
      let scalars = text.unicodeScalars
      let count = part.unicodeScalars.count
      if name == "removeprefix" {
        return .string(PythonString.hasPrefix(text, part) ? String(scalars.dropFirst(count)) : text)
      }
      return .string(PythonString.hasSuffix(text, part) ? String(scalars.dropLast(count)) : text)
    case "center", "ljust", "rjust": return .string(try pad(text, name, arguments))
    case "zfill":
      let width = try arguments.integer(try arguments.positional(to: ["width"], required: 1)[0] ?? .none)
      return .string(try fillWithZeros(text, to: width))
    default:
      _ = try arguments.positional(to: [])
      return try convert(text, name)
    }
  }

  /// Methods without arguments.
  private mutating func convert(_ text: String, _ name: String) throws(TemplateError) -> PythonValue {
    switch name {
    case "lower": return .string(PythonString.lowercase(text))
    case "upper": return .string(PythonString.uppercase(text))
    case "title": return .string(PythonString.titlecase(text))
    case "capitalize": return .string(PythonString.capitalize(text))
    case "islower": return .bool(PythonString.isLowercase(text))
    case "isupper": return .bool(PythonString.isUppercase(text))
    case "isalpha": return .bool(PythonString.all(text, PythonString.isAlphabetic))
    case "isdecimal": return .bool(PythonString.all(text, PythonString.isDecimal))
    case "isdigit": return .bool(PythonString.all(text, PythonString.isDigit))
    case "isnumeric": return .bool(PythonString.all(text, PythonString.isNumeric))
    case "isalnum":
      return .bool(PythonString.all(text) { PythonString.isAlphabetic($0) || PythonString.isNumeric($0) })
    case "isspace": return .bool(PythonString.all(text, PythonString.isSpace))
    case "isprintable": return .bool(text.unicodeScalars.allSatisfy(PythonString.isPrintable))
    case "isascii": return .bool(text.utf8.allSatisfy { $0 < 0x80 })
    default: throw TemplateError(.unsupported, "str.\(name) is not supported")
    }
  }

  // MARK: - Cutting and joining

  private func strip(_ text: String, _ name: String, _ arguments: Arguments) throws(TemplateError) -> String {
    let characters = try optionalString(try arguments.positional(to: ["chars"])[0], arguments)
    let removed = characters.map { Set($0.unicodeScalars) }
    return PythonString.strip(text, atStart: name != "rstrip", atEnd: name != "lstrip") { scalar in
      removed?.contains(scalar) ?? PythonString.isSpace(scalar)
    }
  }

  private mutating func split(
    _ text: String, fromEnd: Bool, _ arguments: Arguments
  ) throws(TemplateError) -> [PythonValue] {
    let bound = try arguments.bound(to: ["sep", "maxsplit"])
    let limit = try bound[1].map { value throws(TemplateError) in try arguments.integer(value) } ?? -1
    let count = limit < 0 ? Int.max : limit
    let pieces: [String]
    if let separator = try optionalString(bound[0], arguments) {
      guard !separator.isEmpty else { throw TemplateError(.value, "\(arguments.callee): the separator is empty") }
      pieces =
        fromEnd
        ? PythonString.splitFromEnd(text, on: separator, atMost: count)
        : PythonString.split(text, on: separator, atMost: count)
    } else {
      pieces =
        fromEnd
        ? PythonString.splitOnSpaceFromEnd(text, atMost: count) : PythonString.splitOnSpace(text, atMost: count)
    }
    try budget.spend(elements: pieces.count)
    return pieces.map { .string($0) }
  }

  private mutating func list(_ pieces: [String]) throws(TemplateError) -> PythonValue {
    try budget.spend(elements: pieces.count)
    return .list(pieces.map { .string($0) })
  }

  private func partition(_ text: String, fromEnd: Bool, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    let separator = try arguments.string(try arguments.positional(to: ["sep"], required: 1)[0] ?? .none)
    guard !separator.isEmpty else { throw TemplateError(.value, "\(arguments.callee): the separator is empty") }
    let pieces =
      fromEnd
      ? PythonString.splitFromEnd(text, on: separator, atMost: 1) : PythonString.split(text, on: separator, atMost: 1)
    let parts = pieces.count == 2 ? [pieces[0], separator, pieces[1]] : fromEnd ? ["", "", text] : [text, "", ""]
    return .tuple(parts.map { .string($0) })
  }

  /// `separator.join(elements)`
  mutating func join(_ elements: [PythonValue], with separator: String) throws(TemplateError) -> String {
    var result = ""
    for (position, element) in elements.enumerated() {
      guard case .string(let piece) = element else {
        throw TemplateError(.type, "str.join: element \(position) is a \(element.typeName), expected a str")
      }
      if position > 0 { try budget.append(separator, to: &result) }
      try budget.append(piece, to: &result)
    }
    return result
  }

  private mutating func replace(_ text: String, _ arguments: Arguments) throws(TemplateError) -> String {
    let bound = try arguments.positional(to: ["old", "new", "count"], required: 2)
    let count = try bound[2].map { value throws(TemplateError) in try arguments.integer(value) } ?? -1
    return try replace(
      text, try arguments.string(bound[0] ?? .none), with: try arguments.string(bound[1] ?? .none), atMost: count)
  }

  /// - Parameter count: negative for no limit.
  mutating func replace(
    _ text: String, _ old: String, with new: String, atMost count: Int
  ) throws(TemplateError) -> String {
    let limit = count < 0 ? Int.max : count
    let matches = min(PythonString.count(of: old, in: text), limit)
    let (added, overflows) = matches.multipliedReportingOverflow(by: new.utf8.count)
    try budget.spend(bytes: overflows ? .max : text.utf8.count + added)
    return PythonString.replace(text, old, with: new, atMost: limit)
  }

  // MARK: - Finding

  private func search(_ text: String, _ name: String, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    let bound = try arguments.positional(to: ["sub", "start", "end"], required: 1)
    let part = try arguments.string(bound[0] ?? .none)
    guard let (text, offset) = try window(text, bound[1], bound[2], arguments) else {
      return try found(nil, name, arguments)
    }
    switch name {
    case "count": return .integer(PythonString.count(of: part, in: text))
    case "find", "index":
      return try found(PythonString.firstIndex(of: part, in: text).map { $0 + offset }, name, arguments)
    default: return try found(PythonString.lastIndex(of: part, in: text).map { $0 + offset }, name, arguments)
    }
  }

  private func found(_ position: Int?, _ name: String, _ arguments: Arguments) throws(TemplateError) -> PythonValue {
    if let position { return .integer(position) }
    switch name {
    case "count": return .integer(0)
    case "find", "rfind": return .integer(-1)
    default: throw TemplateError(.value, "\(arguments.callee): the text is not found")
    }
  }

  private func begins(_ text: String, atEnd: Bool, _ arguments: Arguments) throws(TemplateError) -> Bool {
    let bound = try arguments.positional(to: ["prefix", "start", "end"], required: 1)
    let parts: [PythonValue]
    switch try (bound[0] ?? .none).python(for: arguments.callee) {
    case .tuple(let values): parts = values
    case let value: parts = [value]
    }
    let window = try window(text, bound[1], bound[2], arguments)?.text
    for part in parts {
      let part = try arguments.string(.python(part))
      guard let window else { continue }
      if atEnd ? PythonString.hasSuffix(window, part) : PythonString.hasPrefix(window, part) { return true }
    }
    return false
  }

  /// `text[start:end]`, and where it begins; nil if it begins after the end, where not even "" is found.
  private func window(
    _ text: String, _ start: Value?, _ end: Value?, _ arguments: Arguments
  ) throws(TemplateError) -> (text: String, offset: Int)? {
    guard start != nil || end != nil else { return (text, 0) }
    let scalars = Array(text.unicodeScalars)
    let first = try bound(start, arguments).map { $0 < 0 ? max($0 + scalars.count, 0) : $0 } ?? 0
    let last = try bound(end, arguments).map { $0 < 0 ? max($0 + scalars.count, 0) : min($0, scalars.count) }
    guard first <= last ?? scalars.count else { return nil }
    return (PythonString.text(scalars[first..<(last ?? scalars.count)]), first)
  }

  private func bound(_ value: Value?, _ arguments: Arguments) throws(TemplateError) -> Int? {
    guard let value else { return nil }
    if case .python(.none) = value { return nil }
    return try arguments.integer(value)
  }

  private func optionalString(_ value: Value?, _ arguments: Arguments) throws(TemplateError) -> String? {
    guard let value else { return nil }
    if case .python(.none) = value { return nil }
    return try arguments.string(value)
  }

  // MARK: - Padding

  private mutating func pad(_ text: String, _ name: String, _ arguments: Arguments) throws(TemplateError) -> String {
    let bound = try arguments.positional(to: ["width", "fillchar"], required: 1)
    let width = try arguments.integer(bound[0] ?? .none)
    let fill = try bound[1].map { value throws(TemplateError) in try arguments.string(value) } ?? " "
    guard fill.unicodeScalars.count == 1 else {
      throw TemplateError(.type, "\(arguments.callee): the fill must be one character")
    }
    let length = PythonString.length(text)
    guard width > length else { return text }
    let missing = width - length
    let (bytes, overflow) = missing.multipliedReportingOverflow(by: fill.utf8.count)
    try budget.spend(bytes: overflow ? .max : bytes)
    let left =
      switch name {
      case "ljust": 0
      case "rjust": missing
      default: missing / 2 + (missing & width & 1)
      }
    return String(repeating: fill, count: left) + text + String(repeating: fill, count: missing - left)
  }

  private mutating func fillWithZeros(_ text: String, to width: Int) throws(TemplateError) -> String {
    let length = PythonString.length(text)
    guard width > length else { return text }
    let missing = width - length
    try budget.spend(bytes: missing)
    let hasSign = text.utf8.first == 0x2B || text.utf8.first == 0x2D
    let scalars = text.unicodeScalars
    let sign = hasSign ? String(scalars.prefix(1)) : ""
    return sign + String(repeating: "0", count: missing) + String(scalars.dropFirst(hasSign ? 1 : 0))
  }
}
