extension TaskCatalog {
  /// What `--tasks list` prints: a line per task with the split that is scored and its metrics, then a line per group.
  /// - Throws: `EvaluationError.taskFile` for a definition that is wrong.
  public func listing() throws -> String {
    var rows = [["task", "rows", "metrics"]]
    for name in taskNames {
      let configuration = try task(name).configuration
      rows.append([
        name, "\(configuration.evaluatedSplit).jsonl", configuration.metrics.map(\.name).joined(separator: ", "),
      ])
    }
    rows += [["", "", ""], ["group", "", "stands for"]]
    for name in groupNames { rows.append([name, "", Self.shortened(try members(of: name))]) }
    rows = rows.map { $0.map(\.oneLine) }
    let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) } + [row[2]]
      return cells.joined(separator: "  ").trimmedEnd + "\n"
    }.joined()
  }

  private func members(of name: String) throws -> [String] {
    if let tasks = tags[name] { return tasks }
    return try select(name).groups.first { $0.name == name }?.members ?? []
  }

  private static func shortened(_ names: [String]) -> String {
    names.count <= 5 ? names.joined(separator: ", ") : names.prefix(3).joined(separator: ", ") + ", … (\(names.count))"
  }
}

extension String {
  fileprivate var trimmedEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
