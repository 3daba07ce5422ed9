/// Cases, with the full mappings of Unicode ("ß" becomes "SS").
extension PythonString {
  /// `s.lower()`
  public static func lowercase(_ string: String) -> String {
    let scalars = Array(string.unicodeScalars)
    var result = ""
    for index in scalars.indices { result += lowercase(scalars, at: index) }
    return result
  }

  /// `s.upper()`
  public static func uppercase(_ string: String) -> String {
    var result = ""
    for scalar in string.unicodeScalars { result += scalar.properties.uppercaseMapping }
    return result
  }

  /// `s.capitalize()`: the first character title-cased, all others lower-cased, full mappings ("ß" becomes "Ss").
  public static func capitalize(_ string: String) -> String {
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

  /// `s.title()`: what follows a letter with a case is lower-cased, every other one title-cased.
  static func titlecase(_ string: String) -> String {
    let scalars = Array(string.unicodeScalars)
    var result = ""
    var followsLetter = false
    for (index, scalar) in scalars.enumerated() {
      result += followsLetter ? lowercase(scalars, at: index) : scalar.properties.titlecaseMapping
      followsLetter = scalar.properties.isCased
    }
    return result
  }
}
