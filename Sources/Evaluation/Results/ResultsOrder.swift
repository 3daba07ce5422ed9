import Files
import Templates

/// The order in which the harness lists tasks and groups: the trees of groups first, then what is in none, by name.
///
/// A file may nest groups deeper than a thread's stack, so nothing here is recursive.
struct ResultsOrder {
  /// Those names of `available` and how deep each is, from 0.
  let entries: [(name: String, depth: Int)]
  /// The direct members of each group.
  let members: [String: [String]]
  /// How many groups lie in one another at most.
  let nesting: Int

  /// - Parameters:
  ///   - groupSubtasks: the results object's `group_subtasks`.
  ///   - available: the names that are listed.
  ///   - indents: whether a group's members are deeper than the group.
  init(groupSubtasks: JSON?, available: [String], indents: (String) -> Bool = { _ in true }) {
    var members: [String: [String]] = [:]
    for (group, names) in groupSubtasks?.object ?? JSONObject() {
      members[group] = (names.array ?? []).compactMap(\.string).sorted { PythonString.precedes($0, $1) }
    }
    let inner = Set(members.values.joined())
    let available = Set(available)
    let sorted = { (names: [String]) in names.sorted { PythonString.precedes($0, $1) } }
    var walk = Walk(members: members)
    let roots = sorted(members.keys.filter { !inner.contains($0) })
    for name in roots + sorted(Array(available)) { walk.visit(name, indents: indents) }
    entries = walk.visited.filter { available.contains($0.name) }
    nesting = walk.heights.values.max() ?? 0
    self.members = members
  }

  /// The names below a group that are no groups, each once.
  func leaves(of group: String) -> [String] {
    var seen: Set<String> = []
    var leaves: [String] = []
    var rest = [group]
    while let name = rest.popLast() {
      guard seen.insert(name).inserted else { continue }
      if let members = members[name] { rest += members.reversed() } else { leaves.append(name) }
    }
    return leaves
  }
}

/// Groups before their members, each name once: a file that makes a group its own member must not run forever.
private struct Walk {
  let members: [String: [String]]
  private(set) var visited: [(name: String, depth: Int)] = []
  /// Groups below and including a name, one in another.
  private(set) var heights: [String: Int] = [:]
  private var seen: Set<String> = []

  init(members: [String: [String]]) { self.members = members }

  /// A name whose members are being visited.
  private struct Step {
    let name: String
    let depth: Int
    let members: [String]
    var next = 0
    var height: Int
  }

  mutating func visit(_ root: String, indents: (String) -> Bool) {
    var path: [Step] = []
    enter(root, depth: 0, &path)
    while var step = path.popLast() {
      guard step.next < step.members.count else {
        heights[step.name] = step.height
        if let above = path.indices.last { path[above].height = max(path[above].height, step.height + 1) }
        continue
      }
      let member = step.members[step.next]
      step.next += 1
      step.height = max(step.height, (heights[member] ?? 0) + 1)
      path.append(step)
      enter(member, depth: step.depth + (indents(step.name) ? 1 : 0), &path)
    }
  }

  private mutating func enter(_ name: String, depth: Int, _ path: inout [Step]) {
    guard seen.insert(name).inserted else { return }
    visited.append((name, depth))
    let below = members[name]
    path.append(Step(name: name, depth: depth, members: below ?? [], height: below == nil ? 0 : 1))
  }
}
