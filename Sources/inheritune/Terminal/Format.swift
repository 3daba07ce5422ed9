import Foundation

/// Numbers as people read them.
enum Format {
  /// 1234567 → "1,234,567".
  static func count(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// Parameters or tokens: "1.82B", "253.9M", "65,680".
  static func large(_ value: Int) -> String {
    switch value {
    case 1_000_000_000...: String(format: "%.2fB", Double(value) / 1e9)
    case 1_000_000...: String(format: "%.1fM", Double(value) / 1e6)
    default: count(value)
    }
  }

  /// Decimal multiples, as disks are sold and Hugging Face counts: "3.63 GB".
  static func bytes(_ value: Int) -> String {
    switch value {
    case 1_000_000_000...: String(format: "%.2f GB", Double(value) / 1e9)
    case 1_000_000...: String(format: "%.1f MB", Double(value) / 1e6)
    case 1000...: String(format: "%.1f kB", Double(value) / 1e3)
    default: "\(value) bytes"
    }
  }

  /// "1 block", "13 blocks".
  static func count(_ value: Int, _ noun: String) -> String { "\(count(value)) \(noun)\(value == 1 ? "" : "s")" }

  /// "1.316" as perplexities are written; "1.62e+65" where digits would say nothing.
  static func perplexity(_ value: Double) -> String { value < 1e9 ? value.formatted(3) : String(format: "%.2e", value) }

  /// A name out of a file, fit for a terminal: control characters become U+FFFD.
  static func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
    return String(String.UnicodeScalarView(scalars))
  }

  /// "0.4 s", "42 s", "3 min 20 s", "2 h 05 min", "12.5 days".
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "unknown time" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    if seconds >= 48 * 3600 { return String(format: "%.1f days", seconds / 86400) }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
    return String(format: "%d h %02d min", whole / 3600, whole / 60 % 60)
  }

  /// Columns padded to the widest cell; the first ones (`leading` of them) to the left, the others to the right.
  static func table(_ rows: [[String]], leading: Int = 1) -> String {
    let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
      rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column < leading ? cell + padding : padding + cell
      }
      return cells.joined(separator: "  ").replacing(/\s+$/, with: "")
    }.joined(separator: "\n")
  }
}

extension Double {
  /// With so many decimals, the same everywhere.
  func formatted(_ decimals: Int) -> String { String(format: "%.\(decimals)f", self) }
}
