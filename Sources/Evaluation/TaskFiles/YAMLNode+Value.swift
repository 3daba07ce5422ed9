import Templates
import YAML

extension YAMLNode {
  /// The value as PyYAML's safe loader reads it, which is YAML 1.1: outside quotes `yes` and `off` are truth values,
  /// `010` is eight and `1e5` a text. `!function a.b` is kept as this text.
  /// - Throws: for a date, an integer of more than 64 bits, and a tag that has no meaning here.
  func value() throws(EvaluationError) -> PythonValue {
    switch value {
    case .scalar(let text, let isQuoted):
      switch tag {
      case "!function": return .string("!function \(text)")
      case "tag:yaml.org,2002:str": return .string(text)
      case "tag:yaml.org,2002:null": return .none
      case nil: return isQuoted ? .string(text) : try plainValue(text)
      case let tag?: throw .taskFile(location: location, reason: "the tag \(tag) is not supported")
      }
    case .sequence(let elements):
      var values: [PythonValue] = []
      values.reserveCapacity(elements.count)
      for element in elements { values.append(try element.value()) }
      return .list(values)
    case .mapping(let entries):
      var members = PythonDictionary()
      for entry in entries { members[entry.key] = try entry.value.value() }
      return .dictionary(members)
    }
  }

  /// What a scalar outside quotes is. The tests are in PyYAML's order.
  private func plainValue(_ text: String) throws(EvaluationError) -> PythonValue {
    if let bool = YAMLScalar.bool(text) { return .bool(bool) }
    if let float = YAMLScalar.float(text) { return .float(float) }
    if YAMLScalar.isInteger(text) {
      guard let integer = YAMLScalar.integer(text) else {
        throw .taskFile(location: location, reason: "the integer \(text.prefix(40)) has more than 64 bits")
      }
      return .integer(integer)
    }
    if isNull { return .none }
    if YAMLScalar.isDate(text) {
      throw .taskFile(location: location, reason: "\(text) is a date in YAML; put it in quotes")
    }
    return .string(text)
  }
}

/// YAML 1.1's scalars as PyYAML resolves them.
enum YAMLScalar {
  static func bool(_ text: String) -> Bool? {
    switch text {
    case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": true
    case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": false
    default: nil
    }
  }

  /// Digits with a point (`1.0`, `.5`, `1_0.`), and an exponent only with its sign; `.inf` and `.nan`.
  static func float(_ text: String) -> Double? {
    let unsigned = withoutSign(text)
    switch unsigned {
    case ".inf", ".Inf", ".INF": return text.hasPrefix("-") ? -.infinity : .infinity
    case ".nan", ".NaN", ".NAN": return unsigned == text ? .nan : nil
    default: break
    }
    guard let point = unsigned.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let whole = unsigned[..<point]
    var fraction = unsigned[unsigned.utf8.index(after: point)...]
    if whole.isEmpty {
      // ".5" is a float, "-.5" is not.
      guard unsigned == text, let first = fraction.utf8.first, isDigit(first) else { return nil }
    } else if let first = whole.utf8.first, !isDigit(first) {
      return nil
    }
    if let exponent = fraction.utf8.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      let digits = fraction[fraction.utf8.index(after: exponent)...].utf8
      guard let sign = digits.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), digits.count > 1,
        digits.dropFirst().allSatisfy(isDigit)
      else { return nil }
      fraction = fraction[..<exponent]
    }
    func isNumber(_ text: Substring) -> Bool { text.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") } }
    guard isNumber(whole), isNumber(fraction) else { return nil }
    return Double(text.replacing("_", with: ""))
  }

  /// Decimal, `0x`, `0b`, octal with a leading 0, and base sixty (`1:30`); underscores between the digits.
  static func isInteger(_ text: String) -> Bool {
    let unsigned = withoutSign(text)
    guard let first = unsigned.utf8.first, isDigit(first) else { return false }
    let rest = unsigned.utf8.dropFirst()
    if first != UInt8(ascii: "0") {
      let parts = unsigned.split(separator: ":", omittingEmptySubsequences: false)
      return parts[0].utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") }
        && parts.dropFirst().allSatisfy { part in
          (1...2).contains(part.utf8.count) && part.utf8.allSatisfy(isDigit) && (Int(part) ?? 60) < 60
        }
    }
    func consists(of digits: String) -> Bool {
      rest.count > 1 && rest.dropFirst().allSatisfy { digits.utf8.contains($0) }
    }
    switch rest.first {
    case nil: return true
    case UInt8(ascii: "x")?: return consists(of: "0123456789abcdefABCDEF_")
    case UInt8(ascii: "b")?: return consists(of: "01_")
    default: return rest.allSatisfy { "01234567_".utf8.contains($0) }
    }
  }

  /// The number of a text that `isInteger`; nil beyond 64 bits.
  static func integer(_ text: String) -> Int? {
    let unsigned = withoutSign(text).replacing("_", with: "")
    // The sign goes before the digits: the least integer has no positive counterpart.
    let sign = text.hasPrefix("-") ? "-" : ""
    if unsigned.contains(":") {
      return unsigned.split(separator: ":").reduce(0) { total, part in
        guard let total, let digits = Int(sign + part) else { return nil }
        let (product, overflows) = total.multipliedReportingOverflow(by: 60)
        let (sum, overflowsToo) = product.addingReportingOverflow(digits)
        return overflows || overflowsToo ? nil : sum
      }
    }
    if unsigned.hasPrefix("0x") { return Int(sign + unsigned.dropFirst(2), radix: 16) }
    if unsigned.hasPrefix("0b") { return Int(sign + unsigned.dropFirst(2), radix: 2) }
    return Int(sign + unsigned, radix: unsigned.hasPrefix("0") ? 8 : 10)
  }

  /// `2024-1-31`, with or without a time.
  static func isDate(_ text: String) -> Bool {
    let digits = text.utf8.prefix { isDigit($0) }
    guard digits.count == 4 else { return false }
    let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, (1...2).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(isDigit) else {
      return false
    }
    let day = parts[2].utf8.prefix(while: isDigit)
    let rest = parts[2].utf8.dropFirst(day.count)
    guard (1...2).contains(day.count) else { return false }
    return rest.isEmpty || (rest.contains(UInt8(ascii: ":")) && "Tt \t".utf8.contains(rest.first ?? 0))
  }

  private static func withoutSign(_ text: String) -> Substring {
    text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
