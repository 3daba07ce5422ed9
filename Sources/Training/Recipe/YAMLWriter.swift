import Files

/// Writes settings as YAML in block style: a subset that `YAMLText` reads back to the same values.
enum YAMLWriter {
  static func text(of object: JSONObject) -> String {
    var lines: [String] = []
    write(object, indent: "", to: &lines)
    return lines.map { $0 + "\n" }.joined()
  }

  private static func write(_ object: JSONObject, indent: String, to lines: inout [String]) {
    for (key, value) in object {
      let head = "\(indent)\(scalar(.string(key))):"
      switch value {
      case .object(let nested) where !nested.isEmpty:
        lines.append(head)
        write(nested, indent: indent + "  ", to: &lines)
      case .array(let elements) where elements.contains { $0.object != nil }:
        lines.append(head)
        for element in elements { write(element: element, indent: indent + "  ", to: &lines) }
      default: lines.append("\(head) \(flow(value))")
      }
    }
  }

  private static func write(element: JSON, indent: String, to lines: inout [String]) {
    guard let object = element.object, !object.isEmpty else {
      lines.append("\(indent)- \(flow(element))")
      return
    }
    let first = lines.count
    write(object, indent: indent + "  ", to: &lines)
    // The first key of an element stands behind its dash.
    lines[first] = "\(indent)- \(lines[first].dropFirst(indent.count + 2))"
  }

  private static func flow(_ value: JSON) -> String {
    switch value {
    case .array(let elements): "[\(elements.map(flow).joined(separator: ", "))]"
    case .object(let object):
      "{\(object.map { "\(scalar(.string($0.key))): \(flow($0.value))" }.joined(separator: ", "))}"
    default: scalar(value)
    }
  }

  private static func scalar(_ value: JSON) -> String {
    guard let text = value.string else { return value.serialized() }
    return isPlain(text) ? text : quoted(text)
  }

  /// Whether text means itself without quotes, everywhere.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/") || first == UInt8(ascii: ".")
    else {
      return false
    }
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    return text.utf8.allSatisfy { isLetter($0) || "0123456789_-./".utf8.contains($0) }
      && !words.contains(text.lowercased()) && Double(text) == nil && !text.hasPrefix("..")
      && !(first == UInt8(ascii: ".") && !text.contains("/"))
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// In double quotes, with everything escaped that YAML does not print, and `&`, which `YAMLText` is careful about.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case " "..."~" where scalar != "&": result.unicodeScalars.append(scalar)
      case "\u{A1}"..."\u{D7FF}" where scalar != "\u{2028}" && scalar != "\u{2029}":
        result.unicodeScalars.append(scalar)
      default:
        let hex = String(scalar.value, radix: 16)
        result += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
      }
    }
    return result + "\""
  }
}
