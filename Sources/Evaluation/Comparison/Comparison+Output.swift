import Files

extension Comparison {
  /// A Markdown table, a row per metric, with a newline after every line.
  public var table: String {
    let headers = ["Task", "Metric", "", "A", "±", "B", "±", "B − A", "±", "Std. errors", "Paired"]
    var task: String?
    return TextTable(
      headers: headers,
      rows: rows.map { row in
        defer { task = row.task }
        let name = row.depth > 0 ? String(repeating: " ", count: row.depth) + "- " + row.title : row.title
        return [
          row.task == task ? "" : name, row.filter == "none" ? row.metric : "\(row.metric),\(row.filter)",
          row.higherIsBetter.map { $0 ? "↑" : "↓" } ?? "", Self.number(row.a), Self.number(row.aError),
          Self.number(row.b), Self.number(row.bError), Self.signed(row.difference, 4), Self.number(row.differenceError),
          row.standardErrors.map { Self.signed($0, 1) } ?? "", row.pairedCount.map { "\($0)" } ?? "no",
        ]
      }, leading: 3
    ).text
  }

  /// The object that `--json` prints.
  public var json: JSONObject {
    func number(_ value: Double?) -> JSON { value.map(JSON.number) ?? .null }
    func source(_ results: RecordedResults) -> JSON {
      .object(["path": .string(results.path), "model": results.model.map(JSON.string) ?? .null])
    }
    return [
      "a": source(a), "b": source(b),
      "rows": .array(
        rows.map { row in
          .object([
            "task": .string(row.task), "metric": .string(row.metric), "filter": .string(row.filter),
            "a": .number(row.a), "a_stderr": number(row.aError), "b": .number(row.b), "b_stderr": number(row.bError),
            "difference": .number(row.difference), "difference_stderr": number(row.differenceError),
            "standard_errors": number(row.standardErrors),
            "paired": row.pairedCount.map { .integer(Int64($0)) } ?? .null,
          ])
        }),
      "notes": .array(notes.map(JSON.string)),
    ]
  }

  private static func number(_ value: Double?) -> String { value.map { MarkdownTable.decimal($0, places: 4) } ?? "" }

  private static func signed(_ value: Double, _ places: Int) -> String {
    (value > 0 ? "+" : "") + MarkdownTable.decimal(value, places: places)
  }
}
