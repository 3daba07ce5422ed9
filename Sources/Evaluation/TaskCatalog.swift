import Files

/// All tasks by name, and the groups that stand for several.
public struct TaskCatalog: Sendable {
  /// In order of name.
  public let tasks: [any EvaluationTask]

  public init(_ tasks: [any EvaluationTask]) { self.tasks = tasks.sorted { $0.name < $1.name } }

  /// The built-in tasks.
  public static let builtIn = TaskCatalog([
    PIQA(), HellaSwag(), WinoGrande(), ARC.easy, ARC.challenge, BoolQ(), OpenBookQA(), LAMBADA.openAI, WikiText(),
  ])

  /// A tag and the names of the tasks that carry it, by name.
  public var groups: [(name: String, tasks: [String])] {
    var members: [String: [String]] = [:]
    for task in tasks { for tag in task.configuration.tags { members[tag, default: []].append(task.name) } }
    return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The tasks that a comma-separated list names: task names, groups, and globs (`arc_*`) over both. Sorted by name and
  /// without duplicates, as the harness runs them.
  /// - Throws: `unknownTask` with near names, `noTaskMatches`, `noTasks`.
  public func select(_ list: String) throws(EvaluationError) -> [any EvaluationTask] {
    let patterns = list.split(separator: ",").map { PythonString.strip(String($0)) }.filter { !$0.isEmpty }
    if patterns.isEmpty { throw .noTasks }
    let groups = Dictionary(uniqueKeysWithValues: self.groups.map { ($0.name, $0.tasks) })
    var chosen: Set<String> = []
    for pattern in patterns {
      let isGlob = pattern.contains { "*?[".contains($0) }
      let glob = Glob(pattern)
      var matched = false
      for name in tasks.map(\.name) where isGlob ? glob.matches(name) : name == pattern {
        chosen.insert(name)
        matched = true
      }
      for (name, members) in groups where isGlob ? glob.matches(name) : name == pattern {
        chosen.formUnion(members)
        matched = true
      }
      if !matched {
        if isGlob { throw .noTaskMatches(pattern: pattern) }
        throw .unknownTask(name: pattern, near: near(pattern, Array(groups.keys)))
      }
    }
    return tasks.filter { chosen.contains($0.name) }
  }

  /// What `--tasks list` prints: a line per task, then a line per group.
  public var listing: String {
    let width = (tasks.map(\.name) + groups.map(\.name)).map(\.count).max() ?? 0
    func padded(_ name: String) -> String { name + String(repeating: " ", count: width - name.count) }
    var lines = tasks.map { task in
      let configuration = task.configuration
      let metrics = configuration.metrics.map(\.name).joined(separator: ", ")
      return "\(padded(task.name))  \(configuration.evaluatedSplit).jsonl  \(metrics)"
    }
    lines += groups.map { "\(padded($0.name))  group: \($0.tasks.joined(separator: ", "))" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func near(_ name: String, _ groups: [String]) -> [String] {
    let candidates = (tasks.map(\.name) + groups).map { ($0, distance($0, name)) }
    let limit = max(2, name.count / 3)
    let close = candidates.filter { $0.1 <= limit || $0.0.hasPrefix(name) || name.hasPrefix($0.0) }
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
