import Templates
import YAML

/// The keys of a task's YAML, or of a section of it, with typed values. Every complaint names file, line and key.
struct TaskKeys {
  let entries: [YAMLNode.Entry]
  let location: String
  /// What has these keys, for messages.
  private let owner: String

  init(_ definition: TaskDefinition, in owner: String) {
    entries = definition.entries
    location = definition.path
    self.owner = owner
  }

  private init(entries: [YAMLNode.Entry], location: String, owner: String) {
    self.entries = entries
    self.location = location
    self.owner = owner
  }

  /// Keys that the harness takes beside those that it dumps.
  private static let otherKeys = ["tag", "group", "task_list"]
  /// What changes the questions in a way that is not supported.
  private static let unsupportedKeys = ["class", "doc_to_image", "doc_to_audio", "use_prompt", "custom_dataset"]

  /// - Throws: for a key that the harness does not know, or that is not supported.
  func check() throws(EvaluationError) {
    for entry in entries where !entry.value.isNull {
      let key = entry.key
      if Self.unsupportedKeys.contains(key) {
        throw .taskFile(location: entry.value.location, reason: "'\(key)' is not supported")
      }
      guard TaskConfiguration.dumpedKeys.contains(key) || Self.otherKeys.contains(key) else {
        throw .taskFile(location: entry.value.location, reason: "'\(key)' is no key of \(owner)")
      }
    }
  }

  func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

  /// The value under a key; nil where it is absent or null.
  func node(_ key: String) -> YAMLNode? {
    entries.first { $0.key == key }.flatMap {
      $0.value.isNull || $0.value.tag == "tag:yaml.org,2002:null" ? nil : $0.value
    }
  }

  func missing(_ key: String) -> EvaluationError {
    .taskFile(location: location, reason: "'\(key)' is missing; \(owner) needs it")
  }

  /// - Throws: if there is nothing under the key.
  func required<Value>(_ key: String, _ value: Value?) throws(EvaluationError) -> Value {
    guard let value else { throw missing(key) }
    return value
  }

  func wrong(_ key: String, _ node: YAMLNode, _ expected: String) -> EvaluationError {
    .taskFile(location: node.location, reason: "'\(key)' is \(node.kind), expected \(expected)")
  }

  // MARK: Values

  /// A text, or a number as text.
  func string(_ key: String) throws(EvaluationError) -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text, let isQuoted) = node.value, node.tag == nil else { throw wrong(key, node, "a text") }
    if !isQuoted, YAMLScalar.bool(text) != nil {
      throw .taskFile(
        location: node.location, reason: "'\(key)' is \(text), a truth value in YAML, expected a text; put it in quotes"
      )
    }
    return text
  }

  /// A text that may be empty, where null is not the same as absent.
  func text(_ key: String) throws(EvaluationError) -> String? {
    guard let node = entries.first(where: { $0.key == key })?.value, !node.isNull else { return nil }
    guard case .string(let text) = try node.value() else { throw wrong(key, node, "a text") }
    return text
  }

  /// A text or a list of texts.
  func strings(_ key: String) throws(EvaluationError) -> [String] {
    guard let node = node(key) else { return [] }
    switch try node.value() {
    case .string(let text): return [text]
    case .list(let values) where values.allSatisfy({ $0.string != nil }): return values.compactMap(\.string)
    default: throw wrong(key, node, "a text or a list of texts")
    }
  }

  func count(_ key: String) throws(EvaluationError) -> Int? {
    guard let node = node(key) else { return nil }
    guard case .integer(let count) = try node.value(), count >= 0 else {
      throw wrong(key, node, "a whole number, 0 or more")
    }
    return count
  }

  func bool(_ key: String) throws(EvaluationError) -> Bool? {
    guard let node = node(key) else { return nil }
    guard case .bool(let value) = try node.value() else { throw wrong(key, node, "true or false") }
    return value
  }

  /// The keys under a key; without entries where it is absent.
  func section(_ key: String) throws(EvaluationError) -> TaskKeys {
    guard let node = node(key) else { return TaskKeys(entries: [], location: location, owner: key) }
    return try section(node, key)
  }

  /// The sections of a list; a single section is a list of one.
  func sections(_ key: String) throws(EvaluationError) -> [TaskKeys]? {
    guard let node = node(key) else { return nil }
    guard case .sequence(let elements) = node.value else { return [try section(node, key)] }
    var sections: [TaskKeys] = []
    for element in elements { sections.append(try section(element, key)) }
    return sections
  }

  private func section(_ node: YAMLNode, _ key: String) throws(EvaluationError) -> TaskKeys {
    guard case .mapping(let entries) = node.value else { throw wrong(key, node, "a section of keys") }
    return TaskKeys(entries: entries, location: node.location, owner: "'\(key)'")
  }
}
