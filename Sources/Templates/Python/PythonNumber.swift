import Glibc

/// Numbers as Python reads them from text, and its arithmetic where it differs from C's.
enum PythonNumber {
  /// `int(text, base)`; nil where Python raises ValueError.
  /// - Throws: `TemplateError` for a number that 64 bits do not hold.
  static func integer(_ text: String, base: Int = 10) throws(TemplateError) -> Int? {
    var scalars = PythonString.strip(text).unicodeScalars[...]
    let isNegative = scalars.first == "-"
    if isNegative || scalars.first == "+" { scalars.removeFirst() }
    var base = base
    if scalars.first == "0", let letter = scalars.dropFirst().first, let marked = prefixes[letter],
      base == marked || base == 0
    {
      base = marked
      scalars.removeFirst(2)
      if scalars.first == "_" { scalars.removeFirst() }
    } else if base == 0 {
      base = 10
      // "007" is no literal, "000" is.
      if scalars.first == "0", scalars.contains(where: { $0 != "0" && $0 != "_" }) { return nil }
    }
    var magnitude: UInt = 0
    var overflows = false
    var endsInDigit = false
    for scalar in scalars {
      if scalar == "_", endsInDigit {
        endsInDigit = false
        continue
      }
      guard let digit = digit(scalar), digit < base else { return nil }
      let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: UInt(base))
      let (sum, tooMuch) = product.addingReportingOverflow(UInt(digit))
      overflows = overflows || tooLarge || tooMuch
      magnitude = sum
      endsInDigit = true
    }
    guard endsInDigit else { return nil }
    let limit = isNegative ? Int.min.magnitude : UInt(Int.max)
    guard !overflows, magnitude <= limit else { throw tooLarge }
    return isNegative ? Int(truncatingIfNeeded: 0 &- magnitude) : Int(magnitude)
  }

  private static let prefixes: [Unicode.Scalar: Int] = ["b": 2, "B": 2, "o": 8, "O": 8, "x": 16, "X": 16]

  private static func digit(_ scalar: Unicode.Scalar) -> Int? {
    switch scalar {
    case "a"..."z": Int(scalar.value) - 0x61 + 10
    case "A"..."Z": Int(scalar.value) - 0x41 + 10
    default: PythonString.decimalValue(scalar)
    }
  }

  /// `float(text)`; nil where Python raises ValueError.
  static func float(_ text: String) -> Double? {
    var ascii = ""
    var followsDigit = false
    var previousIsUnderscore = false
    for scalar in PythonString.strip(text).unicodeScalars {
      if scalar == "_" {
        guard followsDigit else { return nil }
        previousIsUnderscore = true
        followsDigit = false
        continue
      }
      let digit = PythonString.decimalValue(scalar)
      if previousIsUnderscore, digit == nil { return nil }
      guard digit != nil || scalar.isASCII else { return nil }
      ascii += digit.map { String($0) } ?? String(Character(scalar)).lowercased()
      followsDigit = digit != nil
      previousIsUnderscore = false
    }
    if previousIsUnderscore { return nil }
    let unsigned = ascii.hasPrefix("-") || ascii.hasPrefix("+") ? ascii.dropFirst() : ascii[...]
    switch unsigned {
    case "inf", "infinity": return ascii.hasPrefix("-") ? -.infinity : .infinity
    case "nan": return .nan
    default:
      // Swift reads more: hexadecimal numbers, "nan(…)".
      guard let first = unsigned.utf8.first, first == 0x2E || (0x30...0x39).contains(first),
        unsigned.utf8.allSatisfy({ (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x65].contains($0) })
      else { return nil }
      // It refuses a mantissa that ends or begins in a point.
      return decimal(String(ascii))
    }
  }

  private static func decimal(_ text: String) -> Double? {
    var end: UnsafeMutablePointer<CChar>?
    return text.withCString { start in
      let value = strtod(start, &end)
      return end.map { $0 == start + text.utf8.count && $0 != start } == true ? value : nil
    }
  }

  static var tooLarge: TemplateError { TemplateError(.limit, "an integer that 64 bits do not hold") }

  // MARK: - Division, powers, rounding

  /// `a // b`: rounded down.
  static func floorDivide(_ a: Int, _ b: Int) throws(TemplateError) -> Int {
    guard b != 0 else { throw divisionByZero }
    let (quotient, overflows) = a.dividedReportingOverflow(by: b)
    guard !overflows else { throw tooLarge }
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient
  }

  /// `a % b`: has the sign of b.
  static func modulo(_ a: Int, _ b: Int) throws(TemplateError) -> Int {
    guard b != 0 else { throw divisionByZero }
    guard b != -1 else { return 0 }
    let remainder = a % b
    return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
  }

  /// `a % b`
  static func modulo(_ a: Double, _ b: Double) throws(TemplateError) -> Double {
    guard b != 0 else { throw divisionByZero }
    let remainder = fmod(a, b)
    if remainder == 0 { return copysign(0, b) }
    return (b < 0) != (remainder < 0) ? remainder + b : remainder
  }

  /// `a // b`
  static func floorDivide(_ a: Double, _ b: Double) throws(TemplateError) -> Double {
    guard b != 0 else { throw divisionByZero }
    let remainder = fmod(a, b)
    var quotient = (a - remainder) / b
    if remainder != 0, (b < 0) != (remainder < 0) { quotient -= 1 }
    guard quotient != 0 else { return copysign(0, a / b) }
    let floored = quotient.rounded(.down)
    return quotient - floored > 0.5 ? floored + 1 : floored
  }

  /// `a / b`
  static func divide(_ a: Double, _ b: Double) throws(TemplateError) -> Double {
    guard b != 0 else { throw divisionByZero }
    return a / b
  }

  /// `a ** b` for b ≥ 0.
  static func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Int {
    var result = 1
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = try multiply(result, square) }
      rest >>= 1
      if rest > 0 { square = try multiply(square, square) }
    }
    return result
  }

  /// `a ** b`
  static func power(_ base: Double, _ exponent: Double) throws(TemplateError) -> Double {
    if base == 0, exponent < 0 { throw divisionByZero }
    if base < 0, base.isFinite, exponent.isFinite, exponent != exponent.rounded() {
      throw TemplateError(.unsupported, "complex numbers: a negative number to a power that is not whole")
    }
    let result = pow(base, exponent)
    guard !result.isInfinite || base.isInfinite || exponent.isInfinite else {
      throw TemplateError(.value, "a power too large for a float")
    }
    return result
  }

  static func multiply(_ a: Int, _ b: Int) throws(TemplateError) -> Int {
    let (product, overflows) = a.multipliedReportingOverflow(by: b)
    guard !overflows else { throw tooLarge }
    return product
  }

  /// `int(x)`: towards zero.
  static func truncate(_ value: Double) throws(TemplateError) -> Int {
    guard value.isFinite else { throw TemplateError(.value, "\(value) has no integer") }
    guard let whole = Int(exactly: value.rounded(.towardZero)) else { throw tooLarge }
    return whole
  }

  /// `round(x, digits)` for digits ≥ 0: the decimal nearest to the binary value, ties to even.
  static func round(_ value: Double, digits: Int) -> Double {
    // A double has at most 1074 binary places, so more digits change nothing.
    guard value.isFinite, digits < 1075 else { return value }
    return withVaList([Int32(digits), value]) { arguments in
      // A double has at most 309 digits before the point.
      var buffer = [CChar](repeating: 0, count: 320 + digits)
      vsnprintf(&buffer, buffer.count, "%.*f", arguments)
      return strtod(buffer, nil)
    }
  }

  private static var divisionByZero: TemplateError { TemplateError(.value, "division by zero") }
}
