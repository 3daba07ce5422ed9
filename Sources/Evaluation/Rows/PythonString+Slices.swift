import Templates

extension PythonString {
  /// `s.split()`: the runs between whitespace, without empty ones.
  static func words(_ string: String) -> [String] {
    string.unicodeScalars.split(whereSeparator: isSpace).map { String($0) }
  }

  /// `s[:n]` for n ≥ 0
  static func prefix(_ string: String, _ count: Int) -> String {
    String(String.UnicodeScalarView(string.unicodeScalars.prefix(count)))
  }

  /// `s[n:]` for n ≥ 0
  static func dropFirst(_ string: String, _ count: Int) -> String {
    String(String.UnicodeScalarView(string.unicodeScalars.dropFirst(count)))
  }

  /// `s[:-n]` for n > 0
  static func dropLast(_ string: String, _ count: Int) -> String {
    String(String.UnicodeScalarView(string.unicodeScalars.dropLast(count)))
  }

  /// `s.endswith(suffix)`
  static func hasSuffix(_ string: String, _ suffix: String) -> Bool {
    string.utf8.count >= suffix.utf8.count && string.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}
