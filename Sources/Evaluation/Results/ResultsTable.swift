import Files
import Templates

/// The harness's Markdown table, made from its results object: a row per metric, groups first, their members indented.
///
/// It reads the object as `results.json` has it, ours or the harness's own.
public struct ResultsTable: Sendable {
  private let results: JSON

  /// - Parameter results: the object of `results.json`.
  public init(_ results: JSON) { self.results = results }

  /// The table of tasks, and if there are groups a table of these after two blank lines. Ends with a newline.
  public var text: String {
    let groups = results["groups"]?.object.map { $0.isEmpty ? "" : "\n\n" + table("groups", header: "Groups") } ?? ""
    return table("results", header: "Tasks") + groups
  }

  private func table(_ column: String, header: String) -> String {
    let entries = results[column]?.object ?? JSONObject()
    let order = ResultsOrder(groupSubtasks: results["group_subtasks"], available: entries.map(\.key))
    var rows: [[MarkdownTable.Cell]] = []
    for (name, depth) in order.entries {
      guard let entry = entries[name]?.object else { continue }
      rows += self.rows(name, entry, depth: depth)
    }
    let headers = [header, "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"]
    return MarkdownTable(headers: headers, rows: rows).text
  }

  private func rows(_ name: String, _ entry: JSONObject, depth: Int) -> [[MarkdownTable.Cell]] {
    let title = (entry["alias"]?.string ?? name).oneLine
    var first: [MarkdownTable.Cell] = [
      .text(depth > 0 ? String(repeating: " ", count: depth) + "- " + title : title), version(name),
    ]
    let shots = results["n-shot"]?[name]?.integer.map(String.init) ?? " "
    var rows: [[MarkdownTable.Cell]] = []
    for (key, value) in entry.sorted(by: { PythonString.precedes($0.key, $1.key) }) {
      let parts = key.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[0].hasSuffix("_stderr"), let number = value.double else { continue }
      let arrow = results["higher_is_better"]?[name]?[parts[0]]?.bool.map { $0 ? "↑" : "↓" } ?? ""
      let error = entry["\(parts[0])_stderr,\(parts[1])"]
      let errorText = error.map { $0.double.map { MarkdownTable.decimal($0, places: 4) } ?? "   N/A" } ?? ""
      rows.append(
        first + [
          .text(parts[1]), .text(shots), .text(parts[0]), .text(arrow),
          .text(MarkdownTable.decimal(number, places: 4)), .text(error == nil ? "" : "±"), .text(errorText),
        ])
      first = [.text(""), .text("")]
    }
    return rows
  }

  private func version(_ name: String) -> MarkdownTable.Cell {
    switch results["versions"]?[name] {
    case .number(let version)?: .number(version)
    case .integer(let version)?: .number(Double(version))
    case .string(let version)?: .text(version)
    default: .text("    N/A")
    }
  }
}
