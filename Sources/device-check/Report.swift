import Files

/// What was found, as Markdown; printed as it grows.
final class Report {
  private(set) var text = ""
  private(set) var failures: [String] = []

  func section(_ title: String) { add("\n## \(title)\n\n") }
  func line(_ text: String) { add(text + "\n") }

  func table(_ header: [String], _ rows: [[String]]) {
    add("| " + header.joined(separator: " | ") + " |\n")
    add("|" + header.map { _ in "---|" }.joined() + "\n")
    for row in rows { add("| " + row.joined(separator: " | ") + " |\n") }
    add("\n")
  }

  /// A line that says what was expected and found; a failure unless `isTrue`.
  func expect(_ isTrue: Bool, _ what: String) {
    line("- \(isTrue ? "ok" : "**FAILED**") \(what)")
    if !isTrue { failures.append(what) }
  }

  /// Runs a part; an error in it is a failure of the part, and the others go on.
  func part(_ title: String, _ body: () throws -> Void) {
    section(title)
    do { try body() } catch {
      line("- **FAILED** \(error)")
      failures.append("\(title): \(error)")
    }
  }

  func write(to path: String) throws { try AtomicFile.write(path) { try $0.write(text) } }

  private func add(_ part: String) {
    text += part
    print(part, terminator: "")
  }
}

extension Double {
  /// With so many significant digits.
  func short(_ digits: Int = 3) -> String {
    guard isFinite else { return "\(self)" }
    if self == 0 { return "0" }
    if magnitude < 1e-3 || magnitude >= 1e7 {
      let exponent = Int(magnitude.log10.rounded(.down))
      return (self / Double.power(10, exponent)).fixed(digits - 1) + "e\(exponent)"
    }
    return fixed(max(0, digits - 1 - Int(magnitude.log10.rounded(.down))))
  }

  func fixed(_ decimals: Int) -> String {
    let scale = Double.power(10, decimals)
    let scaled = Int((magnitude * scale).rounded())
    let (whole, fraction) = scaled.quotientAndRemainder(dividingBy: Int(scale))
    let digits = String(fraction)
    let sign = self < 0 && scaled != 0 ? "-" : ""
    guard decimals > 0 else { return sign + "\(whole)" }
    return sign + "\(whole)." + String(repeating: "0", count: decimals - digits.count) + digits
  }
}
