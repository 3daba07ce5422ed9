/// The names in a text that may define anchors, and those that may refer to one. The composer expands aliases while it
/// reads, so this has to be known before it runs, without a parser: a line is cut at a comment only if it has no quotes
/// (then the `#` is a comment, or the whole line is inside a scalar), and what is left defines an anchor wherever
/// `&name` stands at the beginning of a word.
struct AnchorScan {
  private typealias Name = Substring.UnicodeScalarView

  private var anchors: [(name: String, line: Int)] = []
  private var aliases: Set<String> = []

  init(_ text: String) {
    // Most texts have none, and are not looked at further.
    guard text.utf8.contains(UInt8(ascii: "&")) else { return }
    var line = 1
    var start = text.unicodeScalars.startIndex
    let scalars = text.unicodeScalars
    while true {
      // libyaml's line breaks.
      let end = scalars[start...].firstIndex { ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains($0) }
      scan(scalars[start..<(end ?? scalars.endIndex)], line: line)
      guard let end else { return }
      if scalars[end] == "\n" { line += 1 }
      start = scalars.index(after: end)
    }
  }

  /// The first line, from 1, with what may be an anchor and is not allowed.
  func firstLine(_ allowed: YAMLText.Anchors) -> Int? {
    switch allowed {
    case .refused: anchors.first?.line
    case .allowedUnused: anchors.first { aliases.contains($0.name) }?.line
    }
  }

  private mutating func scan(_ line: Name, line number: Int) {
    let hasQuotes = line.contains { $0 == "'" || $0 == "\"" }
    var previous: Unicode.Scalar = " "
    var position = line.startIndex
    while position < line.endIndex {
      let scalar = line[position]
      let next = line.index(after: position)
      if scalar == "#", !hasQuotes, previous == " " || previous == "\t" { return }
      if scalar == "&" || scalar == "*", !Self.isWord(previous) {
        let name = String(line[next...].prefix(while: Self.isWord))
        if !name.isEmpty {
          if scalar == "&" { anchors.append((name, number)) } else { aliases.insert(name) }
        }
      }
      previous = scalar
      position = next
    }
  }

  /// The letters of an anchor's name in libyaml.
  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
  }
}
