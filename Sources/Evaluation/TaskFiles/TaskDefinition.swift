import Files
import Templates
import YAML

/// The YAML of a task or a group with everything that it includes: keys in the harness's order, each with the place
/// where it is written.
struct TaskDefinition: Sendable {
  var entries: [YAMLNode.Entry]
  /// The file that was asked for; relative paths in it start at its folder.
  let path: String

  static let includeLimit = 64

  /// Reads a file and what it includes.
  /// - Throws: `EvaluationError.taskFile`, `FileError`.
  static func read(_ path: String) throws -> TaskDefinition { try read(path, text: fileText) }

  /// - Parameter text: gives the text under a path; includes are relative to the path of the text they stand in.
  static func read(_ path: String, text: (_ path: String) throws -> String) throws -> TaskDefinition {
    try withoutActuallyEscaping(text) { text in
      var reader = Reader(text: text)
      return TaskDefinition(entries: try reader.entries(of: path, from: nil), path: path)
    }
  }

  private static func fileText(_ path: String) throws -> String {
    let file = try MappedFile(path)
    guard file.count <= YAMLText.sizeLimit else {
      throw EvaluationError.taskFile(
        location: path, reason: "\(file.count) bytes, expected \(YAMLText.sizeLimit) at most: is this a task's YAML?")
    }
    guard let text = file.withBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw EvaluationError.taskFile(location: path, reason: "not UTF-8 text")
    }
    return text
  }

  subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }

  /// The definition with other keys, which win over its own.
  func overridden(by others: [YAMLNode.Entry]) -> TaskDefinition {
    var result = self
    result.entries.update(with: others)
    return result
  }
}

extension [YAMLNode.Entry] {
  /// Python's `dict.update`: a key that is there keeps its place and gets the new value.
  fileprivate mutating func update(with others: [YAMLNode.Entry]) {
    for entry in others {
      if let position = firstIndex(where: { $0.key == entry.key }) { self[position] = entry } else { append(entry) }
    }
  }
}

/// Follows includes: the included first, the own keys over them.
private struct Reader {
  let text: (String) throws -> String
  /// The files that are being read, outermost first.
  private var open: [String] = []
  private var count = 0

  init(text: @escaping (String) throws -> String) { self.text = text }

  /// - Parameter location: where the include is written; nil for the file that was asked for.
  mutating func entries(of path: String, from location: String?) throws -> [YAMLNode.Entry] {
    let place = location ?? path
    guard !open.contains(path) else {
      throw EvaluationError.taskFile(location: place, reason: "'include' goes round in a circle at \(path)")
    }
    count += 1
    guard count <= TaskDefinition.includeLimit else {
      throw EvaluationError.taskFile(
        location: place, reason: "more than \(TaskDefinition.includeLimit) files include one another")
    }
    open.append(path)
    defer { open.removeLast() }
    let own = try entries(in: path, from: location)
    var merged: [YAMLNode.Entry] = []
    for include in own where include.key == "include" {
      for name in try names(include.value) {
        let path = name.hasPrefix("/") ? name : FileTree.parent(of: path) + "/" + name
        merged.update(with: try entries(of: path, from: include.value.location).filter { $0.key != "task_list" })
      }
    }
    merged.update(with: own.filter { $0.key != "include" })
    return merged
  }

  private func entries(in path: String, from location: String?) throws -> [YAMLNode.Entry] {
    let text: String
    do { text = try self.text(path) } catch let error as FileError {
      guard let location else { throw error }
      throw EvaluationError.taskFile(location: location, reason: "'include': \(error)")
    }
    let root: YAMLNode?
    do { root = try YAMLText.parse(text, name: path, anchors: .allowedUnused) } catch {
      throw EvaluationError.taskFile(location: error.location, reason: error.reason)
    }
    guard case .mapping(let entries)? = root?.value else {
      throw EvaluationError.taskFile(
        location: path, reason: "expected the keys of a task, found \(root?.kind ?? "nothing")")
    }
    return entries
  }

  private func names(_ node: YAMLNode) throws(EvaluationError) -> [String] {
    let nodes: [YAMLNode]
    if case .sequence(let elements) = node.value { nodes = elements } else { nodes = [node] }
    var names: [String] = []
    for node in nodes {
      guard case .scalar(let name, _) = node.value, !name.isEmpty else {
        throw .taskFile(location: node.location, reason: "'include' is \(node.kind), expected the name of a file")
      }
      names.append(name)
    }
    return names
  }
}
