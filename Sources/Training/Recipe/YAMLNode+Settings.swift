import Files
import YAML

extension YAMLNode {
  /// Puts `node` at a path of keys (or positions in a list), making sections that are missing.
  /// - Returns: what is wrong with the path, nil when it was set.
  mutating func set(_ path: ArraySlice<String>, to node: YAMLNode) -> String? {
    guard let key = path.first else {
      self = node
      return nil
    }
    let rest = path.dropFirst()
    if isNull { value = .mapping([]) }
    switch value {
    case .scalar: return "there is a single value above '\(key)', expected a section"
    case .sequence(var elements):
      guard let index = Int(key), elements.indices.contains(index) else {
        return "'\(key)' is no position in a list of \(elements.count)"
      }
      if let problem = elements[index].set(rest, to: node) { return problem }
      value = .sequence(elements)
    case .mapping(var entries):
      let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
      if index == entries.endIndex {
        entries.append(Entry(key: key, value: YAMLNode(value: .mapping([]), location: node.location)))
      }
      if let problem = entries[index].value.set(rest, to: node) { return problem }
      value = .mapping(entries)
    }
    return nil
  }

  /// Says of everything in here that it was written at `location`.
  mutating func relocate(_ location: String) {
    self.location = location
    switch value {
    case .scalar: break
    case .sequence(var elements):
      for index in elements.indices { elements[index].relocate(location) }
      value = .sequence(elements)
    case .mapping(var entries):
      for index in entries.indices { entries[index].value.relocate(location) }
      value = .mapping(entries)
    }
  }

  /// Where the setting `key.path` is written; where its section is when it is not.
  func location(of path: String) -> String? {
    var node = self
    var found: String?
    for key in path.split(separator: ".") {
      switch node.value {
      case .scalar: return found
      case .sequence(let elements):
        guard let index = Int(key), elements.indices.contains(index) else { return found }
        node = elements[index]
      case .mapping(let entries):
        guard let entry = entries.first(where: { $0.key == key }) else { return found }
        node = entry.value
      }
      found = node.location
    }
    return found
  }

  /// The value as JSON has it, by YAML 1.2's core schema: what is not in quotes may be null, a truth value or a number.
  var json: JSON {
    switch value {
    case .scalar(let text, let isQuoted):
      if isQuoted { return .string(text) }
      if isNull { return .null }
      if let bool = SettingsSection.bool(text) { return .bool(bool) }
      if let integer = Int64(text) { return .integer(integer) }
      return SettingsSection.number(text).map { .number($0) } ?? .string(text)
    case .sequence(let elements):
      return .array(elements.map(\.json))
    case .mapping(let entries):
      var object = JSONObject()
      for entry in entries { object[entry.key] = entry.value.json }
      return .object(object)
    }
  }
}
