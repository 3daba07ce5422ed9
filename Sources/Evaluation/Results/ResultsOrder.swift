import Files
import Templates

/// The order in which the harness lists tasks and groups: the trees of groups first, then what is in none, by name.
struct ResultsOrder {
  /// Those names of `available` and how deep each is, from 0.
  let entries: [(name: String, depth: Int)]
  /// The direct members of each group.
  let members: [String: [String]]

  /// - Parameters:
  ///   - groupSubtasks: the results object's `group_subtasks`.
  ///   - available: the names that are listed.
  init(groupSubtasks: JSON?, available: [String]) {
    var members: [String: [String]] = [:]
    for (group, names) in groupSubtasks?.object ?? JSONObject() {
      members[group] = (names.array ?? []).compactMap(\.string).sorted { PythonString.precedes($0, $1) }
    }
    let inner = Set(members.values.joined())
    let available = Set(available)
    var seen: Set<String> = []
    var entries: [(name: String, depth: Int)] = []
    func visit(_ name: String, _ depth: Int) {
      // A file that makes a group its own member must not run forever.
      guard seen.insert(name).inserted else { return }
      if available.contains(name) { entries.append((name, depth)) }
      for member in members[name] ?? [] { visit(member, depth + 1) }
    }
    let sorted = { (names: [String]) in names.sorted { PythonString.precedes($0, $1) } }
    for group in sorted(members.keys.filter { !inner.contains($0) }) { visit(group, 0) }
    for name in sorted(available.filter { !seen.contains($0) }) { entries.append((name, 0)) }
    self.entries = entries
    self.members = members
  }

  /// The names below a group that are no groups, each once.
  func leaves(of group: String) -> [String] {
    var seen: Set<String> = []
    var leaves: [String] = []
    func visit(_ name: String) {
      guard seen.insert(name).inserted else { return }
      if let members = members[name] { members.forEach(visit) } else { leaves.append(name) }
    }
    visit(group)
    return leaves
  }
}
