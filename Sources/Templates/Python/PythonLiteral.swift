import Files

/// Python literals in text, as `ast.literal_eval` reads them: strings, numbers, lists, tuples, dicts, True, False and
/// None.
public enum PythonLiteral {
  /// As deep as brackets may nest.
  public static let depthLimit = JSON.depthLimit

  /// - Throws: `TemplateError` with the line if the text is anything but one literal, and for bytes, sets, complex
  ///   numbers and integers beyond 64 bits, which `PythonValue` does not have.
  public static func parse(_ text: String) throws(TemplateError) -> PythonValue {
    var parser = PythonLiteralParser(text)
    do {
      return try parser.parse()
    } catch {
      throw TemplateError(error.kind, "not a Python literal: \(error.reason)", line: parser.line)
    }
  }
}

private struct PythonLiteralParser {
  private let source: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  /// Within a sign: Python has no literal --1, nor -(-1).
  private var isSigned = false

  init(_ text: String) { source = PythonString.scalarsWithNewlines(text) }

  var line: Int { 1 + source[..<min(position, source.count)].count { $0 == "\n" } }

  mutating func parse() throws(TemplateError) -> PythonValue {
    guard !source.contains("\0") else { throw TemplateError(.syntax, "a NUL character") }
    try skipToFirstLine()
    let value = try tupleOrValue(end: nil)
    skipSpace(acrossLines: true)
    guard peek == nil else { throw unexpected("the end") }
    return value
  }

  /// Python strips blanks before the text, but after empty lines an indentation is an error.
  private mutating func skipToFirstLine() throws(TemplateError) {
    skipSpace(acrossLines: false)
    while take("\n") {
      let start = position
      skipSpace(acrossLines: false)
      if position > start, let next = peek, next != "\n" { throw TemplateError(.syntax, "an indentation") }
    }
  }

  // MARK: - Values

  /// One value, or several with commas. `end` closes the bracket; nil is the end of the line.
  private mutating func tupleOrValue(end: Unicode.Scalar?) throws(TemplateError) -> PythonValue {
    skipSpace(acrossLines: end != nil)
    if let end, peek == end { return .tuple([]) }
    let first = try value(inBrackets: end != nil)
    skipSpace(acrossLines: end != nil)
    guard peek == "," else { return first }
    var elements = [first]
    while take(",") {
      skipSpace(acrossLines: end != nil)
      if peek == end || (end == nil && peek == "\n") { break }
      elements.append(try value(inBrackets: end != nil))
      skipSpace(acrossLines: end != nil)
    }
    return .tuple(elements)
  }

  private mutating func value(inBrackets: Bool) throws(TemplateError) -> PythonValue {
    guard let first = peek else { throw unexpected("a value") }
    switch first {
    case "[": return try nested { parser throws(TemplateError) in .list(try parser.elements(until: "]")) }
    case "(":
      return try nested { parser throws(TemplateError) in
        let value = try parser.tupleOrValue(end: ")")
        try parser.expect(")")
        return value
      }
    case "{": return try nested { parser throws(TemplateError) in .dictionary(try parser.members()) }
    case "-", "+": return try signed(inBrackets: inBrackets)
    case "'", "\"": return .string(try strings(inBrackets: inBrackets))
    case "0"..."9": return try number()
    case "." where isDigit(at: position + 1): return try number()
    default: return try named(inBrackets: inBrackets)
    }
  }

  /// What is within a bracket, which is taken.
  private mutating func nested(
    _ read: (inout PythonLiteralParser) throws(TemplateError) -> PythonValue
  ) throws(TemplateError) -> PythonValue {
    depth += 1
    guard depth <= PythonLiteral.depthLimit else {
      throw TemplateError(.limit, "brackets nest more than \(PythonLiteral.depthLimit) deep")
    }
    position += 1
    let value = try read(&self)
    depth -= 1
    return value
  }

  private mutating func elements(until end: Unicode.Scalar) throws(TemplateError) -> [PythonValue] {
    var elements: [PythonValue] = []
    while true {
      skipSpace(acrossLines: true)
      if take(end) { return elements }
      elements.append(try value(inBrackets: true))
      skipSpace(acrossLines: true)
      if !take(","), peek != end { throw unexpected("a comma or \"\(end)\"") }
    }
  }

  private mutating func members() throws(TemplateError) -> PythonDictionary {
    var members = PythonDictionary()
    while true {
      skipSpace(acrossLines: true)
      if take("}") { return members }
      let key = try value(inBrackets: true)
      skipSpace(acrossLines: true)
      if members.isEmpty, peek == "," || peek == "}" { throw TemplateError(.unsupported, "a set") }
      try expect(":")
      skipSpace(acrossLines: true)
      try key.checkHashable()
      members[key] = try value(inBrackets: true)
      skipSpace(acrossLines: true)
      if !take(","), peek != "}" { throw unexpected("a comma or \"}\"") }
    }
  }

  private mutating func signed(inBrackets: Bool) throws(TemplateError) -> PythonValue {
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    skipSpace(acrossLines: inBrackets)
    guard !isSigned, let next = peek, next == "." || next == "(" || isDigit(at: position) else {
      throw unexpected("a number without a sign")
    }
    guard next == "(" else { return try number(sign: isNegative ? "-" : "") }
    isSigned = true
    defer { isSigned = false }
    switch try value(inBrackets: inBrackets) {
    case .integer(let value): return .integer(isNegative ? -value : value)
    case .float(let value): return .float(isNegative ? -value : value)
    default: throw TemplateError(.syntax, "a sign before what is no number")
    }
  }

  private mutating func named(inBrackets: Bool) throws(TemplateError) -> PythonValue {
    let start = position
    while let scalar = peek, scalar == "_" || scalar.properties.isXIDContinue { position += 1 }
    let name = PythonString.text(source[start..<position])
    if peek == "'" || peek == "\"" {
      position = start
      return .string(try strings(inBrackets: inBrackets))
    }
    switch name {
    case "True": return .bool(true)
    case "False": return .bool(false)
    case "None": return .none
    case "":
      throw unexpected("a value")
    default:
      position = start
      throw TemplateError(.syntax, "expected a value, found the name \(name)")
    }
  }

  // MARK: - Numbers

  private mutating func number(sign: String = "") throws(TemplateError) -> PythonValue {
    let start = position
    if peek == "0", let letter = source[(position + 1)...].first, "bBoOxX".unicodeScalars.contains(letter) {
      position += 2
      while let scalar = peek, continuesNumber(scalar) { position += 1 }
      return .integer(try integer(sign + PythonString.text(source[start..<position])))
    }
    skipDigits()
    var isWhole = true
    if take(".") {
      isWhole = false
      skipDigits()
    }
    if let letter = peek, letter == "e" || letter == "E" {
      isWhole = false
      position += 1
      if !take("-") { _ = take("+") }
      skipDigits()
    }
    let text = sign + PythonString.text(source[start..<position])
    if peek == "j" || peek == "J" { throw TemplateError(.unsupported, "a complex number: \(text)j") }
    if let next = peek, continuesNumber(next) { throw unexpected("a number") }
    guard !isWhole else { return .integer(try integer(text)) }
    guard let value = PythonNumber.float(text) else { throw TemplateError(.syntax, "\(text) is no number") }
    return .float(value)
  }

  private func integer(_ text: String) throws(TemplateError) -> Int {
    guard let value = try PythonNumber.integer(text, base: 0) else {
      throw TemplateError(.syntax, "\(text) is no number")
    }
    return value
  }

  private mutating func skipDigits() {
    while let scalar = peek, scalar == "_" || isDigit(at: position) { position += 1 }
  }

  private func isDigit(at index: Int) -> Bool { index < source.count && ("0"..."9").contains(source[index]) }

  private func continuesNumber(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar == "." || scalar.properties.isXIDContinue
  }

  // MARK: - Strings

  /// A string, and those that follow it.
  private mutating func strings(inBrackets: Bool) throws(TemplateError) -> String {
    var text = try string()
    while true {
      skipSpace(acrossLines: inBrackets)
      guard startsString else { return text }
      text += try string()
    }
  }

  private var startsString: Bool {
    let prefix = source[position...].prefix { "bBfFrRuU".unicodeScalars.contains($0) }
    guard prefix.count <= 2, prefix.endIndex < source.count else { return false }
    return source[prefix.endIndex] == "'" || source[prefix.endIndex] == "\""
  }

  private mutating func string() throws(TemplateError) -> String {
    let start = position
    while let scalar = peek, scalar != "'", scalar != "\"" { position += 1 }
    let prefix = PythonString.text(source[start..<position]).lowercased()
    switch prefix {
    case "", "r", "u": break
    case "b", "br", "rb": throw TemplateError(.unsupported, "bytes, \(prefix)\"…\"")
    case "f", "fr", "rf": throw TemplateError(.syntax, "an f-string is no literal")
    default: throw TemplateError(.syntax, "a string with the prefix \(prefix)")
    }
    let isRaw = prefix == "r"
    let quote = source[position]
    let isTriple = position + 2 < source.count && source[position + 1] == quote && source[position + 2] == quote
    let width = isTriple ? 3 : 1
    position += width
    let first = position
    while true {
      guard let scalar = peek, isTriple || scalar != "\n" else {
        position = start
        throw TemplateError(.syntax, "a string that does not end")
      }
      if scalar == quote, source[position...].prefix(width).allSatisfy({ $0 == quote }),
        position + width <= source.count
      {
        break
      }
      position += scalar == "\\" ? 2 : 1
    }
    let contents = source[first..<position]
    position += width
    return isRaw ? PythonString.text(contents) : try PythonEscape.text(of: contents, beyondASCII: .kept)
  }

  // MARK: - Characters

  private var peek: Unicode.Scalar? { position < source.count ? source[position] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == scalar else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ scalar: Unicode.Scalar) throws(TemplateError) {
    skipSpace(acrossLines: true)
    guard take(scalar) else { throw unexpected("\"\(scalar)\"") }
  }

  /// Blanks, comments, and lines that a backslash continues.
  private mutating func skipSpace(acrossLines: Bool) {
    while let scalar = peek {
      switch scalar {
      case " ", "\t", "\u{0C}": position += 1
      case "\n" where acrossLines: position += 1
      case "\\" where position + 1 < source.count && source[position + 1] == "\n": position += 2
      case "#": while let scalar = peek, scalar != "\n" { _ = take(scalar) }
      default: return
      }
    }
  }

  private func unexpected(_ wanted: String) -> TemplateError {
    let found = peek.map { PythonString.representation(of: String(Character($0))) } ?? "the end"
    return TemplateError(.syntax, "expected \(wanted), found \(found)")
  }
}
