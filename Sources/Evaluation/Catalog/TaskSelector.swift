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

  /// Groups inside groups.
  private static let depthLimit = 16
  /// The keys of a group; every other key of its YAML is a setting of its tasks.
  private static let groupKeys: Set = ["group", "group_alias", "task", "aggregate_metric_list", "metadata", "tag"]

  init(_ catalog: TaskCatalog) { self.catalog = catalog }

  var selection: TaskSelection {
    TaskSelection(tasks: tasks.keys.sorted().compactMap { tasks[$0] }, groups: groups)
  }

  /// Adds what a name of the catalog stands for.
  mutating func add(_ name: String) throws { _ = try add(name, [], depth: 0, from: nil) }

  /// - Parameter location: where the name is written; nil on the command line.
  /// - Returns: the names that stand for it in a group: itself, or a tag's tasks.
  private mutating func add(
    _ name: String, _ settings: [YAMLNode.Entry], depth: Int, from location: String?
  ) throws -> [String] {
    if let item = catalog.items[name] {
      let definition = try item.definition()
      if item.isGroup { return [try addGroup(name, definition, settings, depth: depth)] }
      return [try addTask(definition.overridden(by: settings), settings)]
    }
    guard let members = catalog.tags[name] else {
      throw EvaluationError.taskFile(
        location: location ?? name, reason: "no task is called '\(name)'; add its file with --task-file")
    }
    return try members.flatMap { try add($0, settings, depth: depth, from: location) }
  }

  private mutating func addTask(_ definition: TaskDefinition, _ settings: [YAMLNode.Entry]) throws -> String {
    let task = try EvaluationTask(definition)
    if let others = overrides[task.name], !isSame(others, settings) {
      throw EvaluationError.taskFile(
        location: settings.first?.value.location ?? others.first?.value.location ?? definition.path,
        reason: "task '\(task.name)' is asked for twice, with other settings here; ask for one at a time")
    }
    tasks[task.name] = task
    overrides[task.name] = settings
    return task.name
  }

  /// Whether two groups set the same, that is, wrote it at the same places.
  private func isSame(_ a: [YAMLNode.Entry], _ b: [YAMLNode.Entry]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value.location == $1.value.location }
  }

  private mutating func addGroup(
    _ name: String, _ definition: TaskDefinition, _ settings: [YAMLNode.Entry], depth: Int
  ) throws -> String {
    if groups.contains(where: { $0.name == name }) { return name }
    guard depth < Self.depthLimit else {
      throw EvaluationError.taskFile(
        location: definition["group"]?.location ?? definition.path,
        reason: "groups are nested deeper than \(Self.depthLimit) levels")
    }
    let keys = TaskKeys(definition, in: "a group")
    let position = groups.count
    groups.append(
      TaskGroup(
        name: name, alias: try keys.string("group_alias"), members: [], metrics: try keys.aggregates(),
        version: try keys.groupVersion()))
    let own = TaskDefinition(
      entries: definition.entries.filter { !Self.groupKeys.contains($0.key) }, path: definition.path)
    let settings = own.overridden(by: settings).entries
    for member in try keys.members() {
      groups[position].members += try add(member, of: name, definition, settings, depth: depth + 1)
    }
    return name
  }

  /// A member is a name; or a section with `task`, a task with settings of its own; or one with `group`, a group that
  /// is defined on the spot.
  private mutating func add(
    _ member: YAMLNode, of group: String, _ definition: TaskDefinition, _ settings: [YAMLNode.Entry], depth: Int
  ) throws -> [String] {
    let location = member.location
    switch member.value {
    case .scalar(let name, _): return try add(name, settings, depth: depth, from: location)
    case .mapping(let entries):
      let inline = TaskDefinition(entries: entries, path: definition.path)
      let keys = TaskKeys(inline, in: "a member of group '\(group)'")
      if let name = try keys.string("group") {
        if catalog.items[name] == nil {
          return [try addGroup("\(group)::\(name)", inline, settings, depth: depth)]
        }
        let own = entries.filter { !Self.groupKeys.contains($0.key) }
        return try add(name, merged(settings, own), depth: depth, from: location)
      }
      let name = try keys.required("task", try keys.string("task"))
      if catalog.items[name] != nil || catalog.tags[name] != nil {
        // The name stays the task's own: a tag stands for several.
        let own = catalog.items[name] == nil ? entries.filter { $0.key != "task" } : entries
        return try add(name, merged(settings, own), depth: depth, from: location)
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
