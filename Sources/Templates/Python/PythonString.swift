/// Python's `str` operations, on Unicode code points.
///
/// The harness is written in Python, where lengths, slices and comparisons count code points. Swift's `Character`
/// merges "\r\n" and combining marks and compares canonically equivalent strings as equal, which would change prompts
/// and scores, so everything here works on `unicodeScalars`.
public enum PythonString {
  /// `str.isspace()` and the `\s` of `re`: bidirectional type WS, B or S, or general category Zs.
  public static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// `len(s)`
  public static func length(_ string: String) -> Int { string.unicodeScalars.count }

  /// `a == b`: the same code points, not canonical equivalence.
  public static func equal(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

  /// `a < b`: by code point, which is the order of UTF-8 bytes.
  public static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  /// `s.startswith(prefix)`
  public static func hasPrefix(_ string: String, _ prefix: String) -> Bool { string.utf8.starts(with: prefix.utf8) }

  /// `s.isdigit()` for the digits that `int()` and a literal reader accept: a non-empty run of "0"…"9".
  public static func isASCIIDigits(_ string: String) -> Bool {
    !string.isEmpty && string.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// The code points with "\n" for every "\r\n" and "\r": how Python and Jinja read their sources, within strings too.
  static func scalarsWithNewlines(_ source: String) -> [Unicode.Scalar] {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(source.utf8.count)
    var followsReturn = false
    for scalar in source.unicodeScalars {
      if scalar == "\r" { scalars.append("\n") } else if scalar != "\n" || !followsReturn { scalars.append(scalar) }
      followsReturn = scalar == "\r"
    }
    return scalars
  }

  /// `s.lstrip()`
  public static func stripLeading(_ string: String) -> String {
    String(String.UnicodeScalarView(string.unicodeScalars.drop(while: isSpace)))
  }

  /// `s.rstrip()`, and the whitespace that it removed.
  public static func splitTrailingSpace(_ string: String) -> (stripped: String, space: String) {
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
  public static func strip(_ string: String) -> String { splitTrailingSpace(stripLeading(string)).stripped }

  /// `s.strip(characters)`, or at one end.
  static func strip(
    _ string: String, atStart: Bool, atEnd: Bool, _ isRemoved: (Unicode.Scalar) -> Bool
  ) -> String {
    var rest = string.unicodeScalars[...]
    if atStart { rest = rest.drop(while: isRemoved) }
    if atEnd { while let last = rest.last, isRemoved(last) { rest.removeLast() } }
    return String(rest)
  }

  /// `len(re.split(r"\s+", s))`: whitespace runs + 1, so empty pieces at either end count.
  public static func countWords(_ string: String) -> Int {
    var runs = 0
    var inside = false
    for scalar in string.unicodeScalars {
      let space = isSpace(scalar)
      if space && !inside { runs += 1 }
      inside = space
    }
    return runs + 1
  }

  /// `re.sub(open + r"\s*([^close]*?)\s*" + close, open + r"\1" + close, s)`: blanks just inside a pair are removed.
  /// The pair ends at the first `close` after `open`; it may span lines.
  public static func trimInside(_ string: String, open: Unicode.Scalar, close: Unicode.Scalar) -> String {
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
  public static func removeBracketed(_ string: String) -> String {
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
}
