/// Python's `str` operations, on Unicode code points.
///
/// The harness is written in Python, where lengths, slices and comparisons count code points. Swift's `Character`
/// merges "\r\n" and combining marks and compares canonically equivalent strings as equal, which would change prompts
/// and scores, so everything here works on `unicodeScalars`.
enum PythonString {
  /// `str.isspace()` and the `\s` of `re`: bidirectional type WS, B or S, or general category Zs.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// `len(s)`
  static func length(_ string: String) -> Int { string.unicodeScalars.count }

  /// `a == b`: the same code points, not canonical equivalence.
  static func equal(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

  /// `a < b`: by code point, which is the order of UTF-8 bytes.
  static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  /// `s.startswith(prefix)`
  static func hasPrefix(_ string: String, _ prefix: String) -> Bool { string.utf8.starts(with: prefix.utf8) }

  /// `s.isdigit()` for the digits that `int()` and a literal reader accept: a non-empty run of "0"…"9".
  static func isASCIIDigits(_ string: String) -> Bool {
    !string.isEmpty && string.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// `s.lstrip()`
  static func stripLeading(_ string: String) -> String {
    String(String.UnicodeScalarView(string.unicodeScalars.drop(while: isSpace)))
  }

  /// `s.rstrip()`, and the whitespace that it removed.
  static func splitTrailingSpace(_ string: String) -> (stripped: String, space: String) {
    let scalars = string.unicodeScalars
    var end = scalars.endIndex
    while end > scalars.startIndex {
      let previous = scalars.index(before: end)
      if !isSpace(scalars[previous]) { break }
      end = previous
    }
    return (String(scalars[..<end]), String(scalars[end...]))
  }

  /// `s.strip()`
  static func strip(_ string: String) -> String { splitTrailingSpace(stripLeading(string)).stripped }

  /// `s.split(separator)` for a one-scalar separator: empty pieces are kept, "" gives [""].
  static func split(_ string: String, on separator: Unicode.Scalar) -> [String] {
    string.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
  }

  /// `len(re.split(r"\s+", s))`: whitespace runs + 1, so empty pieces at either end count.
  static func countWords(_ string: String) -> Int {
    var runs = 0
    var inside = false
    for scalar in string.unicodeScalars {
      let space = isSpace(scalar)
      if space && !inside { runs += 1 }
      inside = space
    }
    return runs + 1
  }

  /// `s.replace(old, new)`: one pass from the left, matches do not overlap. `old` is not empty.
  ///
  /// Works on UTF-8, where a match of whole code points cannot begin inside another one.
  static func replace(_ string: String, _ old: String, with new: String) -> String {
    let text = Array(string.utf8)
    let pattern = Array(old.utf8)
    let replacement = Array(new.utf8)
    guard !pattern.isEmpty, text.count >= pattern.count else { return string }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    var found = false
    let last = text.count - pattern.count
    scan: while position < text.count {
      if position <= last && text[position] == pattern[0] {
        var matched = 1
        while matched < pattern.count && text[position + matched] == pattern[matched] { matched += 1 }
        if matched == pattern.count {
          result.append(contentsOf: replacement)
          position += matched
          found = true
          continue scan
        }
      }
      result.append(text[position])
      position += 1
    }
    return found ? String(decoding: result, as: UTF8.self) : string
  }

  /// `re.sub(open + r"\s*([^close]*?)\s*" + close, open + r"\1" + close, s)`: blanks just inside a pair are removed.
  /// The pair ends at the first `close` after `open`; it may span lines.
  static func trimInside(_ string: String, open: Unicode.Scalar, close: Unicode.Scalar) -> String {
    let scalars = Array(string.unicodeScalars)
    var result = String.UnicodeScalarView()
    var position = 0
    while position < scalars.count {
      guard scalars[position] == open else {
        result.append(scalars[position])
        position += 1
        continue
      }
      guard let end = scalars[(position + 1)...].firstIndex(of: close) else { break }
      var inner = scalars[(position + 1)..<end]
      while let first = inner.first, isSpace(first) { inner.removeFirst() }
      while let last = inner.last, isSpace(last) { inner.removeLast() }
      result.append(open)
      result.append(contentsOf: inner)
      result.append(close)
      position = end + 1
    }
    if position < scalars.count { result.append(contentsOf: scalars[position...]) }
    return String(result)
  }

  /// `re.sub(r"\[.*?\]", "", s)`: `.` does not match "\n", so a bracket that is still open at the line's end stays.
  static func removeBracketed(_ string: String) -> String {
    let scalars = Array(string.unicodeScalars)
    var result = String.UnicodeScalarView()
    var position = 0
    while position < scalars.count {
      if scalars[position] == "[",
        let end = scalars[(position + 1)...].firstIndex(where: { $0 == "]" || $0 == "\n" }), scalars[end] == "]"
      {
        position = end + 1
        continue
      }
      result.append(scalars[position])
      position += 1
    }
    return String(result)
  }

  /// `s.capitalize()`: the first character title-cased, all others lower-cased, full mappings ("ß" becomes "Ss").
  static func capitalize(_ string: String) -> String {
    let scalars = Array(string.unicodeScalars)
    guard let first = scalars.first else { return string }
    var result = first.properties.titlecaseMapping
    for index in scalars.indices.dropFirst() { result += lowercase(scalars, at: index) }
    return result
  }

  /// The lower case of one code point; a capital sigma at the end of a word becomes ς (Unicode 3.13, as CPython does
  /// it).
  private static func lowercase(_ scalars: [Unicode.Scalar], at index: Int) -> String {
    guard scalars[index] == "\u{3A3}" else { return scalars[index].properties.lowercaseMapping }
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    let isFinal = (before?.properties.isCased ?? false) && !(after?.properties.isCased ?? false)
    return isFinal ? "\u{3C2}" : "\u{3C3}"
  }
}
