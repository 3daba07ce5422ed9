import Files

extension PythonValue {
  /// `str(x)`
  public var text: String { if case .string(let value) = self { value } else { representation } }

  /// `repr(x)`
  public var representation: String {
    var text = ""
    appendRepresentation(to: &text)
    return text
  }

  /// The beginning of `repr(x)`, for errors.
  var shortRepresentation: String {
    let scalars = representation.unicodeScalars
    return scalars.count <= 80 ? String(scalars) : String(scalars.prefix(80)) + "…"
  }

  private func appendRepresentation(to text: inout String) {
    switch self {
    case .none: text += "None"
    case .bool(let value): text += value ? "True" : "False"
    case .integer(let value): text += String(value)
    case .float(let value): text += PythonValue.representation(of: value)
    case .string(let value): text += PythonString.representation(of: value)
    case .list(let values):
      text += "["
      PythonValue.append(values, to: &text)
      text += "]"
    case .tuple(let values):
      text += "("
      PythonValue.append(values, to: &text)
      text += values.count == 1 ? ",)" : ")"
    case .dictionary(let members):
      text += "{"
      for (position, member) in members.enumerated() {
        if position > 0 { text += ", " }
        member.key.appendRepresentation(to: &text)
        text += ": "
        member.value.appendRepresentation(to: &text)
      }
      text += "}"
    }
  }

  private static func append(_ values: [PythonValue], to text: inout String) {
    for (position, value) in values.enumerated() {
      if position > 0 { text += ", " }
      value.appendRepresentation(to: &text)
    }
  }

  private static func representation(of value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    return PythonFloat.text(value)
  }
}

extension PythonString {
  /// `repr(s)`: in single quotes unless the text has some and no double ones.
  public static func representation(of string: String) -> String {
    let quote: Unicode.Scalar = string.utf8.contains(0x27) && !string.utf8.contains(0x22) ? "\"" : "'"
    var result = String.UnicodeScalarView()
    result.append(quote)
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\\", quote:
        result.append("\\")
        result.append(scalar)
      case "\n": result.append(contentsOf: "\\n".unicodeScalars)
      case "\r": result.append(contentsOf: "\\r".unicodeScalars)
      case "\t": result.append(contentsOf: "\\t".unicodeScalars)
      case _ where isPrintable(scalar): result.append(scalar)
      default: result.append(contentsOf: escape(scalar).unicodeScalars)
      }
    }
    result.append(quote)
    return String(result)
  }

  /// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`, the shortest that holds the code point.
  static func escape(_ scalar: Unicode.Scalar) -> String {
    let (letter, width) =
      switch scalar.value {
      case ..<0x100: ("x", 2)
      case ..<0x10000: ("u", 4)
      default: ("U", 8)
      }
    let digits = String(scalar.value, radix: 16)
    return "\\\(letter)" + String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}
