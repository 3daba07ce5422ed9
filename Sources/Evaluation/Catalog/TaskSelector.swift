import Templates
import YAML

/// Follows names to tasks: groups to their members, tags to the tasks that carry them, a group's own settings to the
/// tasks below it (lm-evaluation-harness 0.4.13, `TaskFactory`).
struct TaskSelector {
  private let catalog: TaskCatalog
  private var tasks: [String: EvaluationTask] = [:]
  /// The settings of groups that each task was made with.
  private var overrides: [String: [YAMLNode.Entry]] = [:]
  private var groups: [TaskGroup] = []
  private var origins: [String: GroupOrigin] = [:]
  /// The groups whose members are being followed, outermost first.
  private var open: [String] = []

  /// What a group was made of.
  private struct GroupOrigin {
    var entries: [YAMLNode.Entry]
    /// Of the groups that it is in.
    var settings: [YAMLNode.Entry]
    /// Its tasks; one that is in several of its groups counts in each.
    var taskCount: Int
  }

  /// Groups inside groups.
  private static let depthLimit = 16
  /// Groups that share groups, level over level, would come to any number.
  private static let taskLimit = 10_000
  /// The keys of a group; every other key of its YAML is a setting of its tasks.
  private static let groupKeys: Set = ["group", "group_alias", "task", "aggregate_metric_list", "metadata", "tag"]

  init(_ catalog: TaskCatalog) { self.catalog = catalog }

  var selection: TaskSelection {
    TaskSelection(tasks: tasks.keys.sorted().compactMap { tasks[$0] }, groups: groups)
  }

  /// Adds what a name of the catalog stands for.
  mutating func add(_ name: String) throws { _ = try add(name, [], from: nil) }

  /// - Parameter location: where the name is written; nil on the command line.
  /// - Returns: the names that stand for it in a group: itself, or a tag's tasks.
  private mutating func add(_ name: String, _ settings: [YAMLNode.Entry], from location: String?) throws -> [String] {
    if let item = catalog.items[name] {
      // What is repeated is not read again.
      if !item.isGroup, let others = overrides[name], others.isSame(as: settings) { return [name] }
      let definition = try item.definition()
      if item.isGroup { return [try addGroup(name, definition, settings)] }
      return [try addTask(definition.overridden(by: settings), settings)]
    }
    guard let members = catalog.tags[name] else {
      throw EvaluationError.taskFile(
        location: location ?? name, reason: "no task is called '\(name)'; add its file with --task-file")
    }
    return try members.flatMap { try add($0, settings, from: location) }
  }

  private mutating func addTask(_ definition: TaskDefinition, _ settings: [YAMLNode.Entry]) throws -> String {
    let task = try EvaluationTask(definition)
    if let others = overrides[task.name], !others.isSame(as: settings) {
      throw askedTwice("task '\(task.name)'", settings, others, definition)
    }
    tasks[task.name] = task
    overrides[task.name] = settings
    return task.name
  }

  private func askedTwice(
    _ what: String, _ settings: [YAMLNode.Entry], _ others: [YAMLNode.Entry], _ definition: TaskDefinition
  ) -> EvaluationError {
    .taskFile(
      location: (settings.first ?? others.first ?? definition.entries.first)?.value.location ?? definition.path,
      reason: "\(what) is asked for twice, with other settings here; ask for one at a time")
  }

  private mutating func addGroup(
    _ name: String, _ definition: TaskDefinition, _ settings: [YAMLNode.Entry]
  ) throws -> String {
    func wrong(_ reason: String) -> EvaluationError {
      .taskFile(location: definition["group"]?.location ?? definition.path, reason: reason)
    }
    guard !open.contains(name) else { throw wrong("group '\(name)' is a member of itself") }
    if let known = origins[name] {
      guard known.settings.isSame(as: settings), known.entries.isSame(as: definition.entries) else {
        throw askedTwice("group '\(name)'", settings, known.settings, definition)
      }
      return name
    }
    guard open.count < Self.depthLimit else {
      throw wrong("groups are nested deeper than \(Self.depthLimit) levels")
    }
    open.append(name)
    defer { open.removeLast() }
    let keys = TaskKeys(definition, in: "a group")
    // A group goes before those inside it.
    let position = groups.count
    groups.append(
      TaskGroup(
        name: name, alias: try keys.string("group_alias"), members: [], metrics: try keys.aggregates(),
        version: try keys.groupVersion()))
    let members = try members(keys.members(), of: name, definition, settings)
    let taskCount = members.reduce(0) { $0 + (origins[$1]?.taskCount ?? 1) }
    guard taskCount > 0 else { throw wrong("group '\(name)' has no members") }
    guard taskCount <= Self.taskLimit else {
      throw wrong(
        "group '\(name)' has \(taskCount) tasks, those of each group counted; expected \(Self.taskLimit) at most")
    }
    groups[position].members = members
    origins[name] = GroupOrigin(entries: definition.entries, settings: settings, taskCount: taskCount)
    return name
  }

  /// Adds a group's members.
  /// - Returns: the names that stand for them, each once: the harness keeps members by name.
  private mutating func members(
    _ nodes: [YAMLNode], of group: String, _ definition: TaskDefinition, _ settings: [YAMLNode.Entry]
  ) throws -> [String] {
    let own = TaskDefinition(
      entries: definition.entries.filter { !Self.groupKeys.contains($0.key) }, path: definition.path)
    let settings = own.overridden(by: settings).entries
    var members: [String] = []
    var seen: Set<String> = []
    for node in nodes {
      for name in try add(node, of: group, definition, settings) where seen.insert(name).inserted {
        members.append(name)
      }
    }
    return members
  }

  /// A member is a name; or a section with `task`, a task with settings of its own; or one with `group`, a group that
  /// is defined on the spot.
  private mutating func add(
    _ member: YAMLNode, of group: String, _ definition: TaskDefinition, _ settings: [YAMLNode.Entry]
  ) throws -> [String] {
    let location = member.location
    switch member.value {
    case .scalar(let name, _): return try add(name, settings, from: location)
    case .mapping(let entries):
      let inline = TaskDefinition(entries: entries, path: definition.path)
      let keys = TaskKeys(inline, in: "a member of group '\(group)'")
      if let name = try keys.string("group") {
        if catalog.items[name] == nil { return [try addGroup("\(group)::\(name)", inline, settings)] }
        let own = entries.filter { !Self.groupKeys.contains($0.key) }
        return try add(name, merged(settings, own), from: location)
      }
      let name = try keys.required("task", try keys.string("task"))
      if catalog.items[name] != nil || catalog.tags[name] != nil {
        // The name is no setting: a tag or a group stands for several tasks.
        return try add(name, merged(settings, entries.filter { $0.key != "task" }), from: location)
      }
      let task = YAMLNode(value: .scalar("\(group)::\(name)", isQuoted: true), location: location)
      let all = merged(settings, entries)
      return [
        try addTask(
          TaskDefinition(entries: all, path: definition.path).overridden(by: [.init(key: "task", value: task)]), all)
      ]
    case .sequence:
      throw EvaluationError.taskFile(
        location: location, reason: "a member of group '\(group)' is a list, expected a name or a section")
    }
  }

  private func merged(_ settings: [YAMLNode.Entry], _ own: [YAMLNode.Entry]) -> [YAMLNode.Entry] {
    TaskDefinition(entries: settings, path: "").overridden(by: own).entries
  }
}

extension TaskKeys {
  /// `task` of a group: names and sections.
  fileprivate func members() throws(EvaluationError) -> [YAMLNode] {
    guard let node = node("task") else { throw missing("task") }
    if case .sequence(let elements) = node.value { return elements }
    return [node]
  }

  /// `aggregate_metric_list`
  fileprivate func aggregates() throws(EvaluationError) -> [TaskGroup.Aggregate] {
    var aggregates: [TaskGroup.Aggregate] = []
    for section in try sections("aggregate_metric_list") ?? [] {
      let metric = try section.required("metric", try section.string("metric"))
      if let node = section.node("aggregation"), try node.value() != .string("mean") || node.tag != nil {
        throw section.wrong("aggregation", node, "mean")
      }
      let weighs = try section.node("weight_by_size")?.value().isTrue ?? true
      let filters = try section.strings("filter_list")
      for filter in filters.isEmpty ? ["none"] : filters {
        aggregates.append(TaskGroup.Aggregate(metric: metric, weightBySize: weighs, filter: filter))
      }
    }
    return aggregates
  }

  /// `metadata.version` as Python prints it.
  fileprivate func groupVersion() throws(EvaluationError) -> String? {
    guard let node = node("metadata"), case .dictionary(let members) = try node.value() else { return nil }
    return members["version"]?.text
  }
}

extension [YAMLNode.Entry] {
  /// Whether these set the same, wherever it is written.
  fileprivate func isSame(as other: Self) -> Bool {
    count == other.count && zip(self, other).allSatisfy { $0.key == $1.key && $0.value.isSame(as: $1.value) }
  }
}

extension YAMLNode {
  fileprivate func isSame(as other: YAMLNode) -> Bool {
    guard tag == other.tag else { return false }
    switch (value, other.value) {
    case (.scalar(let text, let isQuoted), .scalar(let otherText, let isOtherQuoted)):
      return text.utf8.elementsEqual(otherText.utf8) && isQuoted == isOtherQuoted
    case (.sequence(let elements), .sequence(let others)):
      return elements.count == others.count && zip(elements, others).allSatisfy { $0.isSame(as: $1) }
    case (.mapping(let entries), .mapping(let others)): return entries.isSame(as: others)
    default: return false
    }
  }
}
