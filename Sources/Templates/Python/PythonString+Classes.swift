/// `str`'s questions about code points. The categories are those of the Swift library's Unicode, which may know a few
/// more code points than the Python at hand.
extension PythonString {
  /// `c.isprintable()`: every category but Other and Separator, and the space.
  static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
    return switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      false
    default: true
    }
  }

  /// `c.isalpha()`
  static func isAlphabetic(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// `c.isdecimal()`
  static func isDecimal(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType == .decimal }

  /// `c.isdigit()`: superscripts and circled digits too.
  static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
  }

  /// `c.isnumeric()`: fractions and numerals too.
  static func isNumeric(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType != nil }

  /// `s.islower()`: some code point has a case, and all that have are lower.
  static func isLowercase(_ string: String) -> Bool {
    let cased = string.unicodeScalars.filter { $0.properties.isCasedInPython }
    return !cased.isEmpty && cased.allSatisfy { $0.properties.isLowercase }
  }

  /// `s.isupper()`
  static func isUppercase(_ string: String) -> Bool {
    let cased = string.unicodeScalars.filter { $0.properties.isCasedInPython }
    return !cased.isEmpty && cased.allSatisfy { $0.properties.isUppercase }
  }

  /// `s.isalpha()` and the like: the text is not empty and every code point passes.
  static func all(_ string: String, _ passes: (Unicode.Scalar) -> Bool) -> Bool {
    !string.isEmpty && string.unicodeScalars.allSatisfy(passes)
  }

  /// The value of a digit that `int()` and `float()` read, of any script.
  static func decimalValue(_ scalar: Unicode.Scalar) -> Int? {
    if scalar.isASCII { return (0x30...0x39).contains(scalar.value) ? Int(scalar.value) - 0x30 : nil }
    guard isDecimal(scalar) else { return nil }
    return scalar.properties.numericValue.map { Int($0) }
  }
}

extension Unicode.Scalar.Properties {
  fileprivate var isCasedInPython: Bool { isLowercase || isUppercase || generalCategory == .titlecaseLetter }
}
