import Files
import Templates

extension EvaluationReport {
  /// The part of the results object that depends on what was measured, as the harness's `evaluate` returns it
  /// (lm-evaluation-harness 0.4.13, `EvalAcc._to_eval_results`), keys in its order.
  var measurements: JSONObject {
    let tasks = result.tasks
    let groups = result.groupsInnermostFirst
    let entries =
      tasks.map { ($0.configuration.name, JSON.object(Self.entry($0))) }
      + groups.map { ($0.group.name, JSON.object(Self.entry($0))) }
    var object: JSONObject = ["results": Self.object(entries)]
    let aggregated = groups.filter { !$0.group.metrics.isEmpty }
    if !aggregated.isEmpty {
      object["groups"] = Self.object(aggregated.map { ($0.group.name, .object(Self.entry($0))) })
    }
    object["group_subtasks"] = Self.object(
      result.groups.map { ($0.group.name, .array($0.group.members.map(JSON.string))) })
    object["configs"] = Self.sorted(tasks.map { ($0.configuration.name, .object(Self.configuration($0))) })
    object["versions"] = Self.sorted(
      tasks.map { ($0.configuration.name, $0.configuration.version) }
        + groups.map { ($0.group.name, .string($0.group.version ?? "N/A")) })
    object["n-shot"] = Self.sorted(fewShot)
    object["higher_is_better"] = Self.sorted(directions)
    object["n-samples"] = Self.object(
      tasks.map { task in
        let counts: JSONObject = [
          "original": .integer(Int64(task.originalCount)), "effective": .integer(Int64(task.effectiveCount)),
        ]
        return (task.configuration.name, .object(counts))
      })
    return object
  }

  private static func configuration(_ task: TaskResult) -> JSONObject { task.configuration.json(fewShot: task.fewShot) }

  private static func entry(_ task: TaskResult) -> JSONObject {
    let name = task.configuration.name
    var object: JSONObject = [
      "name": .string(name),
      "alias": .string(task.configuration.alias ?? name),
      "sample_len": .integer(Int64(task.effectiveCount)),
    ]
    for metric in task.metrics {
      object["\(metric.metric.name),none"] = .number(metric.value)
      object["\(metric.metric.name)_stderr,none"] = metric.standardError.map(JSON.number) ?? .string("N/A")
    }
    return object
  }

  private static func entry(_ result: GroupResult) -> JSONObject {
    var object: JSONObject = [
      "alias": .string(result.group.alias ?? result.group.name), "name": .string(result.group.name),
    ]
    if result.group.metrics.isEmpty { return object }
    object["sample_len"] = .integer(Int64(result.documentCount))
    var counts = JSONObject()
    for metric in result.metrics {
      object["\(metric.name),\(metric.filter)"] = .number(metric.value)
      object["\(metric.name)_stderr,\(metric.filter)"] = metric.standardError.map(JSON.number) ?? .string("N/A")
      counts["\(metric.name),\(metric.filter)"] = .integer(Int64(metric.documentCount))
    }
    if !counts.isEmpty { object["sample_count"] = .object(counts) }
    return object
  }

  /// A group has a number if its direct members agree. The harness looks at them in this order, groups before their
  /// members, so a group of groups has none.
  private var fewShot: [(String, JSON)] {
    var counts = result.tasks.map { ($0.configuration.name, $0.fewShot) }
    for group in result.groups.map(\.group) {
      let own = Set(counts.filter { group.members.contains($0.0) }.map(\.1))
      if own.count == 1 { counts += own.map { (group.name, $0) } }
    }
    return counts.map { ($0.0, .integer(Int64($0.1))) }
  }

  /// Metric by metric; null where the members of a group do not agree. A group of groups has none, as above.
  private var directions: [(String, JSON)] {
    var directions = result.tasks.map { task in
      (task.configuration.name, task.configuration.metrics.map { ($0.name, Optional($0.higherIsBetter)) })
    }
    for group in result.groups.map(\.group) {
      var own: [(String, Bool?)] = []
      for member in group.members {
        for (metric, isBetter) in directions.first(where: { $0.0 == member })?.1 ?? [] {
          let place = own.firstIndex { $0.0 == metric }
          if let place, own[place].1 != isBetter { own[place].1 = nil }
          if place == nil { own.append((metric, isBetter)) }
        }
      }
      if !own.isEmpty { directions.append((group.name, own)) }
    }
    return directions.map { name, metrics in
      (name, Self.object(metrics.map { ($0.0, $0.1.map(JSON.bool) ?? .null) }))
    }
  }

  private static func object(_ members: [(String, JSON)]) -> JSON {
    var object = JSONObject()
    for (name, value) in members { object[name] = value }
    return .object(object)
  }

  private static func sorted(_ members: [(String, JSON)]) -> JSON {
    object(members.sorted { PythonString.precedes($0.0, $1.0) })
  }
}
