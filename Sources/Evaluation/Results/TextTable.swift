/// A Markdown table whose cells are shown as they are: the first columns to the left, the others to the right.
struct TextTable {
  var headers: [String]
  var rows: [[String]]
  /// Columns that align to the left.
  var leading = 1

  /// Characters of a cell at most: a long name out of a file would make every row as wide as itself.
  private static let limit = 200

  /// The table with a newline after every line. A bar inside a cell is escaped.
  var text: String {
    let cells = ([headers] + rows).map { $0.map { Self.cell($0) } }
    let widths = headers.indices.map { column in cells.map { $0[column].unicodeScalars.count }.max() ?? 0 }
    func line(_ row: [String]) -> String {
      let padded = row.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - row[column].unicodeScalars.count)
        return column < leading ? row[column] + space : space + row[column]
      }
      return "| " + padded.joined(separator: " | ") + " |\n"
    }
    let rule = widths.indices.map { column in
      String(repeating: "-", count: widths[column] + 1) + (column < leading ? "-" : ":")
    }
    return line(cells[0]) + "|" + rule.joined(separator: "|") + "|\n" + cells.dropFirst().map(line).joined()
  }

  private static func cell(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
      if scalar == "|" { scalars.append("\\") }
      // A name out of a file must not break the line or command the terminal.
      scalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return String(scalars) + (text.unicodeScalars.count > limit ? "…" : "")
  }
}
