/// A group's numbers, made from those of its tasks.
public struct GroupResult: Sendable {
  public struct MetricValue: Sendable {
    public var name: String
    public var filter: String
    public var value: Double
    /// Nil where one of the tasks has none.
    public var standardError: Double?
    /// Documents behind the value.
    public var documentCount: Int
  }

  public var group: TaskGroup
  public var metrics: [MetricValue]
  /// Documents of all its tasks.
  public var documentCount: Int
}

extension TaskGroup {
  /// Aggregates the group from its tasks, those of its subgroups included (lm-evaluation-harness 0.4.13,
  /// `Group.aggregate`): values weighted by documents with a pooled standard error, or plain means.
  /// - Parameters:
  ///   - tasks: results by name; a task that is not there does not count.
  ///   - groups: by name, among them the subgroups.
  func result(_ tasks: [String: TaskResult], _ groups: [String: TaskGroup]) -> GroupResult {
    let leaves = leaves(groups).compactMap { tasks[$0] }
    let metrics = metrics.compactMap { aggregate -> GroupResult.MetricValue? in
      // Every metric of ours has the filter "none".
      guard aggregate.filter == "none" else { return nil }
      let parts = leaves.compactMap { task in
        task[metric: aggregate.metric].map { (metric: $0, size: task.effectiveCount) }
      }
      guard !parts.isEmpty else { return nil }
      let sizes = parts.map(\.size)
      let errors = parts.compactMap(\.metric.standardError)
      let standardErrors = errors.count == parts.count ? errors : nil
      return GroupResult.MetricValue(
        name: aggregate.metric, filter: aggregate.filter,
        value: Statistics.groupMean(parts.map(\.metric.value), sizes: aggregate.weightBySize ? sizes : nil),
        standardError: standardErrors.map {
          aggregate.weightBySize ? Statistics.pooledError($0, sizes: sizes) : Statistics.meanError($0)
        },
        documentCount: sizes.reduce(0, +))
    }
    return GroupResult(
      group: self, metrics: metrics, documentCount: leaves.reduce(0) { $0 + $1.effectiveCount })
  }

  /// The names of its tasks, those of its subgroups included, in the order of the definitions. A task of several
  /// subgroups is there, and counts, as often (lm-evaluation-harness 0.4.13, `Group.get_all_tasks`).
  func leaves(_ groups: [String: TaskGroup]) -> [String] {
    // A definition that makes a group its own member must not run forever.
    func leaves(_ group: TaskGroup, _ above: Set<String>) -> [String] {
      group.members.flatMap { name -> [String] in
        guard let subgroup = groups[name] else { return [name] }
        return above.contains(name) ? [] : leaves(subgroup, above.union([name]))
      }
    }
    return leaves(self, [name])
  }
}

extension EvaluationResult {
  /// The groups after those inside them, each once: the order in which the harness writes them.
  var groupsInnermostFirst: [GroupResult] {
    let byName = Dictionary(groups.map { ($0.group.name, $0) }) { first, _ in first }
    var seen: Set<String> = []
    var ordered: [GroupResult] = []
    func visit(_ result: GroupResult) {
      guard seen.insert(result.group.name).inserted else { return }
      for member in result.group.members { if let subgroup = byName[member] { visit(subgroup) } }
      ordered.append(result)
    }
    let inner = Set(groups.flatMap(\.group.members))
    for result in groups where !inner.contains(result.group.name) { visit(result) }
    return ordered
  }
}
