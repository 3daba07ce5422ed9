import Foundation
import Templates

/// Markdown tables as the harness's table library (pytablewriter) lays them out, so that a table can be compared with
/// `diff`.
///
/// The library guesses a type for every cell and from these one for the column, which decides alignment and decimals: a
/// column of numbers has as many decimals as its longest number needs, and a number below many texts stays the text it
/// was. The guessing is part of the layout and is followed here for the cells that result tables have.
struct MarkdownTable {
  enum Cell {
    case text(String)
    case number(Double)
  }

  var headers: [String]
  var rows: [[Cell]]

  /// The table with a newline after every line.
  var text: String {
    let columns = headers.indices.map { column in Column(header: headers[column], cells: rows.map { $0[column] }) }
    var lines = [columns.map { $0.center($0.header) }, columns.map(\.separator)]
    lines += rows.indices.map { row in columns.map { $0.padded(row) } }
    return lines.map { "|" + $0.joined(separator: "|") + "|\n" }.joined()
  }

  /// A cell after the guess.
  private enum Value {
    case string(String)
    case blank(String)
    case integer(String)
    /// A decimal number's digits as they were written.
    case real(String)
    case infinity(negative: Bool)
    case nan

    var kind: Kind {
      switch self {
      case .string: .string
      case .blank: .blank
      case .integer: .integer
      case .real: .real
      case .infinity: .infinity
      case .nan: .nan
      }
    }
  }

  private enum Kind: Int { case string, real, integer, infinity, nan, blank }

  private struct Column {
    let header: String
    private let values: [Value]
    private let kind: Kind
    private let decimals: Int
    private var width = 0

    init(header: String, cells: [Cell]) {
      self.header = header
      values = Self.guess(cells)
      kind = Self.kind(of: Set(values.map(\.kind)))
      decimals = values.map { if case .real(let digits) = $0 { Self.decimals(digits) } else { 0 } }.max() ?? 0
      width = max(3, header.unicodeScalars.count, values.map { rendered($0).unicodeScalars.count }.max() ?? 0)
    }

    /// Types cell after cell. While text is the commonest type so far, the next text that is not blank is taken as it
    /// is, numeral or not.
    private static func guess(_ cells: [Cell]) -> [Value] {
      var values: [Value] = []
      var counts: [(kind: Kind, count: Int)] = []
      for cell in cells {
        let value: Value
        // The first of equally common types leads.
        let leader = counts.reduce(nil as (kind: Kind, count: Int)?) { best, next in
          best.map { next.count > $0.count ? next : $0 } ?? next
        }
        switch cell {
        case .number(let number): value = number == number.rounded() ? .integer(plain(number)) : .real(plain(number))
        case .text(let text) where leader?.kind == .string && !PythonString.strip(text).isEmpty: value = .string(text)
        case .text(let text): value = parse(text)
        }
        if let index = counts.firstIndex(where: { $0.kind == value.kind }) {
          counts[index].count += 1
        } else {
          counts.append((value.kind, 1))
        }
        values.append(value)
      }
      return values
    }

    private static func plain(_ number: Double) -> String {
      number == number.rounded() ? decimal(number, places: 0) : number.description
    }

    /// What a text looks like by itself: a numeral of digits with at most one point, an infinity, not a number, or
    /// text.
    private static func parse(_ text: String) -> Value {
      let trimmed = PythonString.strip(text)
      if trimmed.isEmpty { return .blank(text) }
      switch trimmed.lowercased() {
      case "nan": return .nan
      case "inf", "infinity": return .infinity(negative: false)
      case "-inf", "-infinity": return .infinity(negative: true)
      default: break
      }
      let negative = trimmed.hasPrefix("-")
      let digits = negative ? trimmed.dropFirst() : trimmed[...]
      let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count <= 2, parts.allSatisfy({ PythonString.isASCIIDigits(String($0)) }) else { return .string(text) }
      let fraction = parts.count == 2 ? parts[1] : ""
      // Whole numbers lose their fraction; so do those too large for a double to have one.
      guard let value = Double(trimmed), value != value.rounded() else {
        let whole = String(parts[0].drop { $0 == "0" })
        if whole.isEmpty { return .integer("0") }
        return .integer((negative ? "-" : "") + whole)
      }
      return .real((negative ? "-" : "") + parts[0] + "." + fraction)
    }

    /// Decimals of a number's shortest form.
    private static func decimals(_ digits: String) -> Int {
      guard let value = Double(digits) else { return 0 }
      return value.magnitude.description.split(separator: ".").last.map(\.count) ?? 0
    }

    private static func kind(of kinds: Set<Kind>) -> Kind {
      let numbers: Set<Kind> = [.real, .integer, .infinity, .nan]
      if !kinds.contains(.string) {
        if kinds.intersection([.real, .infinity, .nan, .blank]).count >= 2 { return .real }
        if kinds.intersection(numbers).count >= 2 { return .real }
      }
      return kinds.min { $0.rawValue < $1.rawValue } ?? .blank
    }

    private func rendered(_ value: Value) -> String {
      switch value {
      case .string(let text), .blank(let text): return text
      case .integer(let digits): return kind == .real ? MarkdownTable.round(digits, to: decimals) : digits
      case .real(let digits): return MarkdownTable.round(digits, to: decimals)
      case .infinity(let negative): return negative ? "-Infinity" : "Infinity"
      case .nan: return "NaN"
      }
    }

    private var alignsRight: Bool { kind == .integer || kind == .real }

    var separator: String {
      alignsRight ? String(repeating: "-", count: width - 1) + ":" : String(repeating: "-", count: width)
    }

    func center(_ text: String) -> String {
      let space = width - text.unicodeScalars.count
      return blanks(space / 2) + text + blanks(space - space / 2)
    }

    /// A bar is escaped after padding, as the library does it.
    func padded(_ row: Int) -> String {
      let value = values[row]
      let text = rendered(value)
      let space = blanks(width - text.unicodeScalars.count)
      let isNumber = value.kind == .integer || value.kind == .real
      let right = alignsRight || (kind == .string && isNumber)
      return PythonString.replace(right ? space + text : text + space, "|", with: "\\|")
    }

    private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
  }

  /// A decimal numeral with exactly `places` decimals, rounded half to even.
  private static func round(_ digits: String, to places: Int) -> String {
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    let fraction = parts.count == 2 ? Array(parts[1].utf8) : []
    if fraction.count <= places {
      if places == 0 { return String(parts[0]) }
      return parts[0] + "." + String(decoding: fraction, as: UTF8.self)
        + String(repeating: "0", count: places - fraction.count)
    }
    var kept = Array(parts[0].utf8) + fraction[..<places]
    let rest = fraction[places...]
    let half = UInt8(ascii: "5")
    let zero = UInt8(ascii: "0")
    let isTie = rest.first == half && rest.dropFirst().allSatisfy { $0 == zero }
    let roundsUp = isTie ? (kept.last ?? zero) % 2 == 1 : rest[places] >= half
    if roundsUp {
      var index = kept.count - 1
      while index >= 0 {
        if kept[index] == UInt8(ascii: "-") { break }
        if kept[index] == UInt8(ascii: "9") {
          kept[index] = zero
          index -= 1
        } else {
          kept[index] += 1
          break
        }
      }
      if index < 0 || kept[index] == UInt8(ascii: "-") { kept.insert(UInt8(ascii: "1"), at: index + 1) }
    }
    let whole = String(decoding: kept.dropLast(places), as: UTF8.self)
    return places == 0 ? whole : whole + "." + String(decoding: kept.suffix(places), as: UTF8.self)
  }

  /// Python's `f"{value:.4f}"`, with `places` decimals.
  static func decimal(_ value: Double, places: Int) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    return String(format: "%.\(places)f", value)
  }
}
