extension JSON {
  /// The value as text, byte for byte as Python's `json.dumps(value, ensure_ascii=False, indent=indent,
  /// sort_keys=sortKeys)` writes it.
  /// - Parameter indent: spaces for each level, with a line for each element; nil writes one line.
  public func serialized(indent: Int? = nil, sortKeys: Bool = false) -> String {
    var serializer = JSONSerializer(indent: indent, sortKeys: sortKeys)
    serializer.append(self, depth: 0)
    return String(decoding: serializer.text, as: UTF8.self)
  }
}

private struct JSONSerializer {
  let indent: Int?
  let sortKeys: Bool
  var text: [UInt8] = []

  init(indent: Int?, sortKeys: Bool) {
    self.indent = indent
    self.sortKeys = sortKeys
  }

  mutating func append(_ value: JSON, depth: Int) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append("\(value)")
    case .number(let value): append(PythonFloat.text(value))
    case .string(let value): append(quoted: value)
    case .array(let values):
      list("[", "]", values, depth: depth) { serializer, value in serializer.append(value, depth: depth + 1) }
    case .object(let object):
      let members =
        sortKeys ? object.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : Array(object)
      list("{", "}", members, depth: depth) { serializer, member in
        serializer.append(quoted: member.key)
        serializer.append(": ")
        serializer.append(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func list<Element>(
    _ open: String, _ close: String, _ elements: [Element], depth: Int,
    append element: (inout JSONSerializer, Element) -> Void
  ) {
    append(open)
    for (position, value) in elements.enumerated() {
      if position > 0 { append(indent == nil ? ", " : ",") }
      breakLine(depth: depth + 1)
      element(&self, value)
    }
    if !elements.isEmpty { breakLine(depth: depth) }
    append(close)
  }

  private mutating func breakLine(depth: Int) {
    guard let indent else { return }
    text.append(0x0A)
    text.append(contentsOf: repeatElement(0x20, count: indent * depth))
  }

  private mutating func append(_ string: String) { text.append(contentsOf: string.utf8) }

  private mutating func append(quoted string: String) {
    text.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case 0x08: append("\\b")
      case 0x09: append("\\t")
      case 0x0A: append("\\n")
      case 0x0C: append("\\f")
      case 0x0D: append("\\r")
      case 0..<0x20:
        append(byte < 0x10 ? "\\u000" : "\\u00")
        append(String(byte, radix: 16))
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
