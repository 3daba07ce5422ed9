import Files
import Templates

/// One row of a task's data, with the place it came from, so that every complaint names file, line and key.
struct Row: Sendable {
  /// The row's columns in the file's order; a task may add columns of its own.
  var columns: PythonDictionary
  let path: String
  let line: Int

  init(columns: PythonDictionary, path: String, line: Int) {
    self.columns = columns
    self.path = path
    self.line = line
  }

  init(columns: JSONObject, path: String, line: Int) {
    self.init(columns: PythonDictionary(columns), path: path, line: line)
  }

  /// The columns as JSON has them.
  var json: JSONObject { JSON.members(columns) }

  /// A complaint about this row.
  func error(_ reason: String) -> EvaluationError { .row(path: path, line: line, reason: reason) }

  /// Equal columns, as Python compares dictionaries; the place does not matter.
  func hasSameColumns(as other: Row) -> Bool {
    (line == other.line && path == other.path) || columns == other.columns
  }

  /// The value under a key, or under a key of the dictionary there (`choices`, `text`).
  func value(_ keys: String...) throws(EvaluationError) -> PythonValue { try value(keys) }

  private func value(_ keys: [String]) throws(EvaluationError) -> PythonValue {
    var value = PythonValue.dictionary(columns)
    for (depth, key) in keys.enumerated() {
      guard let members = value.dictionary else {
        throw error(
          "'\(keys[..<depth].joined(separator: "."))' is \(Row.kind(value)), expected an object with '\(key)'")
      }
      guard let next = members[key] else {
        throw error("column '\(keys[...depth].joined(separator: "."))' is missing; \(Row.keys(members))")
      }
      value = next
    }
    return value
  }

  /// What a dictionary has, for messages.
  static func keys(_ members: PythonDictionary) -> String {
    let present = members.prefix(12).map(\.key.text).joined(separator: ", ")
    return "the row has \(present.isEmpty ? "no columns" : present)"
  }

  private func wrongType(_ keys: [String], _ expected: String, _ found: PythonValue) -> EvaluationError {
    error("'\(keys.joined(separator: "."))' is \(Row.kind(found)), expected \(expected)")
  }

  /// A string column.
  func string(_ keys: String...) throws(EvaluationError) -> String {
    let found = try value(keys)
    guard case .string(let string) = found else { throw wrongType(keys, "a string", found) }
    return string
  }

  /// An integer column.
  func integer(_ keys: String...) throws(EvaluationError) -> Int {
    let found = try value(keys)
    guard let integer = found.integer else { throw wrongType(keys, "an integer", found) }
    return integer
  }

  /// An integer column that the hub has as a string of digits ("3"); an integer is taken too.
  func digits(_ keys: String...) throws(EvaluationError) -> Int {
    let found = try value(keys)
    if let integer = found.integer { return integer }
    if case .string(let string) = found, let integer = Int(PythonString.strip(string)) { return integer }
    throw wrongType(keys, "an integer, or digits in a string", found)
  }

  /// A list of strings, not empty.
  func strings(_ keys: String...) throws(EvaluationError) -> [String] {
    let found = try value(keys)
    guard let values = found.elements else { throw wrongType(keys, "a list of strings", found) }
    guard !values.isEmpty else {
      throw error("'\(keys.joined(separator: "."))' is an empty list, expected at least one string")
    }
    return try strings(values, of: keys.joined(separator: "."))
  }

  /// The strings of a list; `name` says which for messages.
  func strings(_ values: [PythonValue], of name: String) throws(EvaluationError) -> [String] {
    var strings: [String] = []
    strings.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard case .string(let string) = value else {
        throw error("'\(name)[\(index)]' is \(Row.kind(value)), expected a string")
      }
      strings.append(string)
    }
    return strings
  }

  /// A value for messages.
  static func kind(_ value: PythonValue) -> String {
    switch value {
    case .none: "null"
    case .bool(let value): value ? "true" : "false"
    case .integer(let value): "the integer \(value)"
    case .float(let value): "the number \(value)"
    case .string(let value): value.utf8.count > 40 ? "a string" : "the string '\(value)'"
    case .list, .tuple: "a list"
    case .dictionary: "an object"
    }
  }
}

extension JSON {
  /// A value as Python's json module writes it; keys are taken for texts, which those of rows are.
  init(_ value: PythonValue) {
    switch value {
    case .none: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(Int64(value))
    case .float(let value): self = .number(value)
    case .string(let value): self = .string(value)
    case .list(let values), .tuple(let values): self = .array(values.map { JSON($0) })
    case .dictionary(let members): self = .object(JSON.members(members))
    }
  }

  fileprivate static func members(_ members: PythonDictionary) -> JSONObject {
    var object = JSONObject()
    for (key, value) in members { object[key.text] = JSON(value) }
    return object
  }
}
