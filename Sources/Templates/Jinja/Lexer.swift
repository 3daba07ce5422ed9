/// Cuts a template into tokens as Jinja 3.1 does with the harness' settings: no blocks are trimmed, a newline at the
/// end is kept, `-` in a tag strips the whitespace beside it.
struct Lexer {
  private let source: [Unicode.Scalar]
  private var position = 0
  /// The lines are counted up to here.
  private var counted = 0
  private var line = 1
  private var tokens: [Token] = []

  /// - Throws: `TemplateError` with the line.
  static func tokens(of source: String) throws(TemplateError) -> [Token] {
    var lexer = Lexer(source)
    do {
      while lexer.position < lexer.source.count { try lexer.scanText() }
    } catch {
      throw TemplateError(error.kind, error.reason, line: lexer.currentLine)
    }
    lexer.append(.end)
    return lexer.tokens
  }

  private init(_ text: String) { source = PythonString.scalarsWithNewlines(text) }

  /// The line of `position`, which only moves forward.
  private var currentLine: Int {
    mutating get {
      line += source[counted..<position].count { $0 == "\n" }
      counted = position
      return line
    }
  }

  private mutating func append(_ kind: Token.Kind) { tokens.append(Token(kind: kind, line: currentLine)) }

  // MARK: - Between tags

  /// The text up to the next tag, and that tag.
  private mutating func scanText() throws(TemplateError) {
    let start = position
    var opening = start
    while opening < source.count, !isOpening(at: opening) { opening += 1 }
    guard opening < source.count else {
      append(.text(PythonString.text(source[start...])))
      position = source.count
      return
    }
    append(text: source[start..<opening], strippingEnd: has("-", at: opening + 2))
    position = opening
    switch source[opening + 1] {
    case "#": try skipComment()
    case "{":
      append(.outputStart)
      skipOpening()
      try scanTag(closing: "}}", end: .outputEnd)
    default:
      if let contents = rawStart() { return try scanRaw(from: contents) }
      append(.tagStart)
      skipOpening()
      try scanTag(closing: "%}", end: .tagEnd)
    }
  }

  private func isOpening(at index: Int) -> Bool {
    guard source[index] == "{", index + 1 < source.count else { return false }
    return switch source[index + 1] {
    case "{", "%", "#": true
    default: false
    }
  }

  /// Past the two characters of an opening, and a sign.
  private mutating func skipOpening() {
    position += 2
    if has("-", at: position) || has("+", at: position) { position += 1 }
  }

  private mutating func append(text: ArraySlice<Unicode.Scalar>, strippingEnd: Bool) {
    let end =
      strippingEnd ? (text.lastIndex { !PythonString.isSpace($0) }.map { $0 + 1 } ?? text.startIndex) : text.endIndex
    if end > text.startIndex { append(.text(PythonString.text(text[..<end]))) }
  }

  private mutating func skipComment() throws(TemplateError) {
    let start = position
    skipOpening()
    let contents = position
    while position < source.count, !matches("#}", at: position) { position += 1 }
    guard position < source.count else {
      position = start
      throw TemplateError(.syntax, "a comment without \"#}\"")
    }
    let strips = position > contents && has("-", at: position - 1)
    position += 2
    if strips { position = endOfSpace(from: position) }
  }

  /// Where the contents of a raw block begin, if one begins here.
  private func rawStart() -> Int? {
    var index = position + 2
    if has("-", at: index) || has("+", at: index) { index += 1 }
    index = endOfSpace(from: index)
    guard matches("raw", at: index) else { return nil }
    index = endOfSpace(from: index + 3)
    if matches("-%}", at: index) { return endOfSpace(from: index + 3) }
    return matches("%}", at: index) ? index + 2 : nil
  }

  private mutating func scanRaw(from contents: Int) throws(TemplateError) {
    for opening in contents..<source.count where matches("{%", at: opening) {
      guard let end = rawEnd(at: opening) else { continue }
      position = contents
      append(text: source[contents..<opening], strippingEnd: has("-", at: opening + 2))
      position = end
      return
    }
    throw TemplateError(.syntax, "{% raw %} without {% endraw %}")
  }

  private func rawEnd(at opening: Int) -> Int? {
    var index = opening + 2
    if has("-", at: index) || has("+", at: index) { index += 1 }
    index = endOfSpace(from: index)
    guard matches("endraw", at: index) else { return nil }
    return endOfTag("%}", at: endOfSpace(from: index + 6))
  }

  // MARK: - Within tags

  private mutating func scanTag(closing: String, end: Token.Kind) throws(TemplateError) {
    var brackets: [Token.Symbol] = []
    while position < source.count {
      if brackets.isEmpty, let next = endOfTag(closing, at: position) {
        append(end)
        position = next
        return
      }
      let scalar = source[position]
      if PythonString.isSpace(scalar) {
        position = endOfSpace(from: position)
      } else if isDigit(at: position) {
        try scanNumber()
      } else if scalar == "_" || scalar.properties.isXIDStart {
        var next = position + 1
        while next < source.count, source[next].properties.isXIDContinue { next += 1 }
        append(.name(PythonString.text(source[position..<next])))
        position = next
      } else if scalar == "'" || scalar == "\"" {
        try scanString(quote: scalar)
      } else {
        try scanSymbol(&brackets)
      }
    }
  }

  /// Past the end of a tag, if it is here: `-` strips what follows, and `+`, which only a statement has, does nothing.
  private func endOfTag(_ closing: String, at index: Int) -> Int? {
    if matches(closing, at: index) { return index + 2 }
    guard matches(closing, at: index + 1) else { return nil }
    if has("-", at: index) { return endOfSpace(from: index + 3) }
    return has("+", at: index) && closing == "%}" ? index + 3 : nil
  }

  private mutating func scanSymbol(_ brackets: inout [Token.Symbol]) throws(TemplateError) {
    guard let symbol = Token.Symbol.allCases.first(where: { matches($0.rawValue, at: position) }) else {
      let character = PythonString.representation(of: String(Character(source[position])))
      throw TemplateError(.syntax, "unexpected character \(character)")
    }
    switch symbol {
    case .leftBrace: brackets.append(.rightBrace)
    case .leftBracket: brackets.append(.rightBracket)
    case .leftParenthesis: brackets.append(.rightParenthesis)
    case .rightBrace, .rightBracket, .rightParenthesis:
      guard let open = brackets.popLast() else { throw TemplateError(.syntax, "unexpected \"\(symbol.rawValue)\"") }
      guard open == symbol else {
        throw TemplateError(.syntax, "unexpected \"\(symbol.rawValue)\", expected \"\(open.rawValue)\"")
      }
    default: break
    }
    append(.symbol(symbol))
    position += symbol.rawValue.utf8.count
  }

  private mutating func scanString(quote: Unicode.Scalar) throws(TemplateError) {
    var end = position + 1
    while end < source.count, source[end] != quote { end += source[end] == "\\" ? 2 : 1 }
    guard end < source.count else { throw TemplateError(.syntax, "a string without its closing \(quote)") }
    append(.string(try PythonEscape.text(of: source[(position + 1)..<end], beyondASCII: .spelledOut)))
    position = end + 1
  }

  private mutating func scanNumber() throws(TemplateError) {
    if let end = endOfFloat() {
      let text = PythonString.text(source[position..<end])
      guard let value = PythonNumber.float(text) else { throw TemplateError(.syntax, "\(text) is no number") }
      append(.float(value))
      position = end
      return
    }
    let end = endOfInteger()
    let text = PythonString.text(source[position..<end])
    guard let value = try PythonNumber.integer(text, base: 0) else {
      throw TemplateError(.syntax, "\(text) is no number")
    }
    append(.integer(value))
    position = end
  }

  /// Digits with a fraction, an exponent or both. After a dot there is none: `rows.0.1`.
  private func endOfFloat() -> Int? {
    guard position == 0 || source[position - 1] != "." else { return nil }
    let whole = endOfDigits(from: position)
    var end = whole
    if has(".", at: whole), isDigit(at: whole + 1) { end = endOfDigits(from: whole + 1) }
    if has("e", at: end) || has("E", at: end) {
      let sign = has("+", at: end + 1) || has("-", at: end + 1) ? 1 : 0
      if isDigit(at: end + 1 + sign) { return endOfDigits(from: end + 1 + sign) }
    }
    return end > whole ? end : nil
  }

  private func endOfInteger() -> Int {
    if has("0", at: position) {
      let marked = position + 1
      if has("x", at: marked) || has("X", at: marked), let end = endOfDigits(after: marked, base: 16) { return end }
      if has("o", at: marked) || has("O", at: marked), let end = endOfDigits(after: marked, base: 8) { return end }
      if has("b", at: marked) || has("B", at: marked), let end = endOfDigits(after: marked, base: 2) { return end }
      return endOfDigits(from: position, base: 1)
    }
    return endOfDigits(from: position)
  }

  private func endOfDigits(after letter: Int, base: Int) -> Int? {
    let first = has("_", at: letter + 1) ? letter + 2 : letter + 1
    return isDigit(at: first, base: base) ? endOfDigits(from: first, base: base) : nil
  }

  /// Past digits with single underscores between them. The first is known to be one.
  private func endOfDigits(from start: Int, base: Int = 10) -> Int {
    var end = start + 1
    while true {
      if isDigit(at: end, base: base) {
        end += 1
      } else if has("_", at: end), isDigit(at: end + 1, base: base) {
        end += 2
      } else {
        return end
      }
    }
  }

  // MARK: - Characters

  private func isDigit(at index: Int, base: Int = 10) -> Bool {
    guard index < source.count, source[index].isASCII else { return false }
    return Character(source[index]).hexDigitValue.map { $0 < base } ?? false
  }

  private func has(_ scalar: Unicode.Scalar, at index: Int) -> Bool { index < source.count && source[index] == scalar }

  private func matches(_ text: String, at index: Int) -> Bool {
    index + text.utf8.count <= source.count
      && source[index..<(index + text.utf8.count)].elementsEqual(text.unicodeScalars)
  }

  private func endOfSpace(from start: Int) -> Int {
    source[start...].firstIndex { !PythonString.isSpace($0) } ?? source.count
  }
}
