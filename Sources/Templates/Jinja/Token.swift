/// A piece of a template: text between tags, or one symbol within a tag.
struct Token: Sendable {
  enum Kind: Equatable, Sendable {
    case text(String)
    /// `{{` and `}}`
    case outputStart, outputEnd
    /// `{%` and `%}`
    case tagStart, tagEnd
    case name(String)
    case string(String)
    case integer(Int)
    case float(Double)
    case symbol(Symbol)
    case end
  }

  enum Symbol: String, CaseIterable, Sendable {
    case floorDivide = "//"
    case power = "**"
    case equal = "=="
    case notEqual = "!="
    case greaterOrEqual = ">="
    case lessOrEqual = "<="
    case plus = "+"
    case minus = "-"
    case divide = "/"
    case times = "*"
    case modulo = "%"
    case tilde = "~"
    case leftBracket = "["
    case rightBracket = "]"
    case leftParenthesis = "("
    case rightParenthesis = ")"
    case leftBrace = "{"
    case rightBrace = "}"
    case greater = ">"
    case less = "<"
    case assign = "="
    case dot = "."
    case colon = ":"
    case pipe = "|"
    case comma = ","
    case semicolon = ";"
  }

  let kind: Kind
  let line: Int
}

extension Token.Kind: CustomStringConvertible {
  /// For an error.
  var description: String {
    switch self {
    case .text: "text"
    case .outputStart: "\"{{\""
    case .outputEnd: "\"}}\""
    case .tagStart: "\"{%\""
    case .tagEnd: "\"%}\""
    case .name(let name): "\"\(name)\""
    case .string(let value): "the string " + PythonString.representation(of: String(value.prefix(40)))
    case .integer(let value): "\(value)"
    case .float(let value): "\(value)"
    case .symbol(let symbol): "\"\(symbol.rawValue)\""
    case .end: "the end of the template"
    }
  }
}
