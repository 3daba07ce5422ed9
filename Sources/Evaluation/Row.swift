import Files

/// One row of a task's data, with the place it came from, so that every complaint names file, line and key.
public struct Row: Sendable {
  /// The row's columns in the file's order; a task may add columns of its own.
  public var columns: JSONObject
  public let path: String
  public let line: Int

  public init(columns: JSONObject, path: String, line: Int) {
    self.columns = columns
    self.path = path
    self.line = line
  }

  /// A complaint about this row.
  public func error(_ reason: String) -> EvaluationError { .row(path: path, line: line, reason: reason) }

  /// The value under a key, or under a key of the object there (`choices`, `text`).
  private func value(_ keys: [String]) throws(EvaluationError) -> JSON {
    var value = JSON.object(columns)
    for (depth, key) in keys.enumerated() {
      guard let object = value.object else {
        throw error(
          "'\(keys[..<depth].joined(separator: "."))' is \(Row.kind(value)), expected an object with '\(key)'")
      }
      guard let next = object[key] else {
        let name = keys[...depth].joined(separator: ".")
        let present = object.map(\.key).prefix(12).joined(separator: ", ")
        throw error("column '\(name)' is missing; the row has \(present.isEmpty ? "no columns" : present)")
      }
      value = next
    }
    return value
  }

  private func wrongType(_ keys: [String], _ expected: String, _ found: JSON) -> EvaluationError {
    error("'\(keys.joined(separator: "."))' is \(Row.kind(found)), expected \(expected)")
  }

  /// A string column.
  public func string(_ keys: String...) throws(EvaluationError) -> String {
    let found = try value(keys)
    guard case .string(let string) = found else { throw wrongType(keys, "a string", found) }
    return string
  }

  /// An integer column.
  public func integer(_ keys: String...) throws(EvaluationError) -> Int {
    let found = try value(keys)
    guard case .integer(let integer) = found else { throw wrongType(keys, "an integer", found) }
    return Int(integer)
  }

  /// An integer column that the hub has as a string of digits ("3"); a JSON integer is taken too.
  public func digits(_ keys: String...) throws(EvaluationError) -> Int {
    let found = try value(keys)
    switch found {
    case .integer(let integer): return Int(integer)
    case .string(let string) where PythonString.isASCIIDigits(string):
      if let integer = Int(string) { return integer }
    default: break
    }
    throw wrongType(keys, "an integer, or digits in a string", found)
  }

  /// A list of strings, not empty.
  public func strings(_ keys: String...) throws(EvaluationError) -> [String] {
    let found = try value(keys)
    guard case .array(let values) = found else { throw wrongType(keys, "a list of strings", found) }
    guard !values.isEmpty else {
      throw error("'\(keys.joined(separator: "."))' is an empty list, expected at least one string")
    }
    var strings: [String] = []
    strings.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard case .string(let string) = value else {
        throw error("'\(keys.joined(separator: "."))[\(index)]' is \(Row.kind(value)), expected a string")
      }
      strings.append(string)
    }
    return strings
  }

  /// The first index of `value` in a list of labels, as Python's `labels.index(value)`.
  func index(of value: String, in labels: [String], key: String, labelsKey: String) throws(EvaluationError) -> Int {
    guard let index = labels.firstIndex(where: { PythonString.equal($0, value) }) else {
      let shown = labels.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
      throw error("'\(key)' is '\(value)', which is not in '\(labelsKey)' (\(shown))")
    }
    return index
  }

  private static func kind(_ value: JSON) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): "the integer \(value)"
    case .number(let value): "the number \(value)"
    case .string(let value): value.count > 40 ? "a string" : "the string '\(value)'"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
