/// Finding, splitting and replacing. All of it works on UTF-8, where a match of whole code points cannot begin inside
/// another one, and in time linear in the text whatever the pattern.
extension PythonString {
  /// `s.replace(old, new, count)`: one pass from the left, matches do not overlap. An empty `old` matches before every
  /// code point and at the end.
  public static func replace(_ string: String, _ old: String, with new: String, atMost count: Int = .max) -> String {
    guard !old.isEmpty else { return interleave(string, with: new, atMost: count) }
    let text = Array(string.utf8)
    let replacement = Array(new.utf8)
    let search = Substring(old)
    var result: [UInt8] = []
    var position = 0
    var replaced = 0
    while replaced < count, let match = search.first(in: text, from: position) {
      if replaced == 0 { result.reserveCapacity(text.count) }
      result.append(contentsOf: text[position..<match])
      result.append(contentsOf: replacement)
      position = match + search.length
      replaced += 1
    }
    guard replaced > 0 else { return string }
    result.append(contentsOf: text[position...])
    return String(decoding: result, as: UTF8.self)
  }

  private static func interleave(_ string: String, with new: String, atMost count: Int) -> String {
    guard count > 0 else { return string }
    var result = new
    var inserted = 1
    for scalar in string.unicodeScalars {
      result.unicodeScalars.append(scalar)
      if inserted < count {
        result += new
        inserted += 1
      }
    }
    return result
  }

  /// `s.split(separator)` for a one-scalar separator: empty pieces are kept, "" gives [""].
  public static func split(_ string: String, on separator: Unicode.Scalar) -> [String] {
    string.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
  }

  /// `s.split(separator, count)`. `separator` is not empty.
  static func split(_ string: String, on separator: String, atMost count: Int = .max) -> [String] {
    let text = Array(string.utf8)
    let search = Substring(separator)
    var pieces: [String] = []
    var position = 0
    while pieces.count < count, let match = search.first(in: text, from: position) {
      pieces.append(String(decoding: text[position..<match], as: UTF8.self))
      position = match + search.length
    }
    return pieces + [String(decoding: text[position...], as: UTF8.self)]
  }

  /// `s.rsplit(separator, count)`. `separator` is not empty.
  static func splitFromEnd(_ string: String, on separator: String, atMost count: Int = .max) -> [String] {
    let text = Array(string.utf8.reversed())
    let search = Substring(reversing: separator)
    var pieces: [String] = []
    var position = 0
    while pieces.count < count, let match = search.first(in: text, from: position) {
      pieces.append(String(decoding: text[position..<match].reversed(), as: UTF8.self))
      position = match + search.length
    }
    return [String(decoding: text[position...].reversed(), as: UTF8.self)] + pieces.reversed()
  }

  /// `s.split(None, count)`: at runs of whitespace, without empty pieces.
  static func splitOnSpace(_ string: String, atMost count: Int = .max) -> [String] {
    var rest = string.unicodeScalars.drop(while: isSpace)
    var pieces: [String] = []
    while !rest.isEmpty {
      if pieces.count >= count { return pieces + [String(rest)] }
      let piece = rest.prefix { !isSpace($0) }
      pieces.append(String(piece))
      rest = rest[piece.endIndex...].drop(while: isSpace)
    }
    return pieces
  }

  /// `s.rsplit(None, count)`
  static func splitOnSpaceFromEnd(_ string: String, atMost count: Int) -> [String] {
    let reversed = String(String.UnicodeScalarView(string.unicodeScalars.reversed()))
    return splitOnSpace(reversed, atMost: count).reversed().map {
      String(String.UnicodeScalarView($0.unicodeScalars.reversed()))
    }
  }

  /// `s.splitlines(keepends)`
  static func splitLines(_ string: String, keepingEnds: Bool = false) -> [String] {
    let scalars = Array(string.unicodeScalars)
    var lines: [String] = []
    var start = 0
    while start < scalars.count {
      let end = scalars[start...].firstIndex(where: isLineBreak) ?? scalars.count
      var next = min(end + 1, scalars.count)
      if end + 1 < scalars.count, scalars[end] == "\r", scalars[end + 1] == "\n" { next += 1 }
      lines.append(text(scalars[start..<(keepingEnds ? next : end)]))
      start = next
    }
    return lines
  }

  private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  /// `s.find(part)`, counted in code points; nil for −1.
  static func firstIndex(of part: String, in string: String) -> Int? {
    let text = Array(string.utf8)
    return Substring(part).first(in: text, from: 0).map { countScalars(text[..<$0]) }
  }

  /// `s.rfind(part)`
  static func lastIndex(of part: String, in string: String) -> Int? {
    let text = Array(string.utf8)
    return Substring(reversing: part).first(in: Array(text.reversed()), from: 0).map {
      countScalars(text[..<(text.count - $0 - part.utf8.count)])
    }
  }

  /// `s.count(part)`: matches do not overlap.
  static func count(of part: String, in string: String) -> Int {
    guard !part.isEmpty else { return length(string) + 1 }
    let text = Array(string.utf8)
    let search = Substring(part)
    var count = 0
    var position = 0
    while let match = search.first(in: text, from: position) {
      count += 1
      position = match + search.length
    }
    return count
  }

  private static func countScalars(_ utf8: ArraySlice<UInt8>) -> Int { utf8.count { $0 & 0xC0 != 0x80 } }

  static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(scalars)) }

  static func hasSuffix(_ string: String, _ suffix: String) -> Bool {
    string.utf8.reversed().starts(with: suffix.utf8.reversed())
  }
}

/// A pattern to search for, with how much of it still matches after a mismatch (Knuth, Morris, Pratt).
private struct Substring {
  private let pattern: [UInt8]
  /// For each prefix, the length of the longest shorter prefix that is also its end.
  private let borders: [Int]

  init(_ text: String) { self.init(Array(text.utf8)) }
  init(reversing text: String) { self.init(Array(text.utf8.reversed())) }

  private init(_ pattern: [UInt8]) {
    var borders = [Int](repeating: 0, count: pattern.count)
    var border = 0
    for position in pattern.indices.dropFirst() {
      while border > 0, pattern[position] != pattern[border] { border = borders[border - 1] }
      if pattern[position] == pattern[border] { border += 1 }
      borders[position] = border
    }
    self.pattern = pattern
    self.borders = borders
  }

  /// In bytes.
  var length: Int { pattern.count }

  /// The offset of the first match at or after one.
  func first(in text: [UInt8], from start: Int) -> Int? {
    guard !pattern.isEmpty else { return start }
    var matched = 0
    for position in start..<text.count {
      while matched > 0, text[position] != pattern[matched] { matched = borders[matched - 1] }
      if text[position] == pattern[matched] { matched += 1 }
      if matched == pattern.count { return position + 1 - matched }
    }
    return nil
  }
}
