import Files
import Templates
import YAML

/// All tasks, groups and tags by name. A task's YAML is read when the task is asked for.
public struct TaskCatalog: Sendable {
  /// A name of the catalog, and how to read what it stands for.
  struct Item: Sendable {
    let name: String
    let tags: [String]
    let isGroup: Bool
    let definition: @Sendable () throws -> TaskDefinition
  }

  let items: [String: Item]
  /// The names of the tasks that carry a tag, in order.
  let tags: [String: [String]]

  /// - Parameter items: of several with one name the last counts.
  init(_ items: [Item]) {
    self.items = Dictionary(items.map { ($0.name, $0) }) { _, last in last }
    var tags: [String: [String]] = [:]
    for item in self.items.values where !item.isGroup {
      for tag in item.tags { tags[tag, default: []].append(item.name) }
    }
    self.tags = tags.mapValues { $0.sorted() }
  }

  /// The tasks that come with the program.
  public static let builtIn = TaskCatalog(BuiltInTask.all.map(\.item))

  /// The catalog with the tasks and groups of YAML files, which hide those of the catalog with the same name.
  /// - Throws: `EvaluationError.taskFile`, for two files with one name too; `FileError`.
  public func adding(files: [String]) throws -> TaskCatalog {
    var all = Array(items.values)
    var paths: [String: String] = [:]
    for path in files {
      let item = try Self.item(file: path)
      if let other = paths.updateValue(path, forKey: item.name) {
        throw EvaluationError.taskFile(
          location: path, reason: "'\(item.name)' is defined in \(other) too; leave one of them out")
      }
      all.append(item)
    }
    return TaskCatalog(all)
  }

  private static func item(file path: String) throws -> Item {
    let definition = try TaskDefinition.read(path)
    let isGroup = definition["group"] != nil
    let keys = TaskKeys(definition, in: isGroup ? "a group" : "a task")
    let key = isGroup ? "group" : "task"
    return Item(
      name: try keys.required(key, try keys.string(key)), tags: isGroup ? [] : try keys.strings("tag"),
      isGroup: isGroup, definition: { definition })
  }

  /// In order.
  public var taskNames: [String] { items.values.filter { !$0.isGroup }.map(\.name).sorted() }

  /// Groups and tags, in order.
  public var groupNames: [String] { (items.values.filter(\.isGroup).map(\.name) + tags.keys).sorted() }

  /// A task by its name.
  /// - Throws: `unknownTask` with near names, `taskFile`.
  public func task(_ name: String) throws -> EvaluationTask {
    guard let item = items[name], !item.isGroup else {
      throw EvaluationError.unknownTask(name: name, near: near(name, taskNames))
    }
    return try EvaluationTask(item.definition())
  }

  /// The tasks that a comma-separated list names: task names, groups, tags, and globs (`arc_*`) over all of them. Sorted
  /// by name and without duplicates, as the harness runs them.
  /// - Throws: `unknownTask` with near names, `noTaskMatches`, `noTasks`, and `taskFile` for definitions that are wrong.
  public func select(_ list: String) throws -> TaskSelection {
    let patterns = list.split(separator: ",").map { PythonString.strip(String($0)) }.filter { !$0.isEmpty }
    if patterns.isEmpty { throw EvaluationError.noTasks }
    let names = Set(items.keys).union(tags.keys).sorted()
    var selector = TaskSelector(self)
    for pattern in patterns {
      if pattern.contains(where: { "*?[".contains($0) }) {
        let glob = Glob(pattern)
        let matches = names.filter { glob.matches($0) }
        if matches.isEmpty { throw EvaluationError.noTaskMatches(pattern: pattern) }
        for name in matches { try selector.add(name) }
      } else {
        guard items[pattern] != nil || tags[pattern] != nil else {
          throw EvaluationError.unknownTask(name: pattern, near: near(pattern, names))
        }
        try selector.add(pattern)
      }
    }
    return selector.selection
  }

  /// The tasks and groups that YAML files define, which were added before.
  /// - Throws: as `select` and `adding` do.
  public func select(files: [String]) throws -> TaskSelection {
    var selector = TaskSelector(self)
    for path in files { try selector.add(Self.item(file: path).name) }
    return selector.selection
  }

  private func near(_ name: String, _ names: [String]) -> [String] {
    let asked = name.lowercased()
    let limit = max(2, asked.utf8.count / 3)
    let close = names.compactMap { name -> (String, Int)? in
      let known = name.lowercased()
      let distance = distance(known, asked)
      return distance <= limit || known.hasPrefix(asked) || asked.hasPrefix(known) ? (name, distance) : nil
    }
    return close.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
  }

  /// Levenshtein distance over bytes.
  private func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b.utf8.prefix(64))
    var row = Array(0...b.count)
    for (i, x) in a.utf8.prefix(64).enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let substitution = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
