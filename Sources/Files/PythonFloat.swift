/// Floating-point numbers as Python prints them.
public enum PythonFloat {
  /// Python's `repr`, and what its json module writes: the shortest digits that read back as the same number, with an
  /// exponent from 1e16 upwards and below 1e-4 (`float_repr_style` 'short', format code 'r').
  public static func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
    let sign = value.sign == .minus ? "-" : ""
    guard value != 0 else { return sign + "0.0" }
    let (digits, point) = shortestDigits(value.magnitude)
    switch point {
    case ..<(-3), 17...:
      let exponent = point - 1
      let magnitude = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
      return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(magnitude)"
    case ...0: return sign + "0." + String(repeating: "0", count: -point) + digits
    case digits.count...: return sign + digits + String(repeating: "0", count: point - digits.count) + ".0"
    default: return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
    }
  }

  /// The digits without zeros at either end, and how many of them stand before the decimal point (0 or less: zeros
  /// follow it).
  private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
    // Swift prints the shortest digits too, in another layout: "123.0", "1.5e-05".
    let parts = value.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let whole = mantissa[0]
    let all = String(whole) + (mantissa.count > 1 ? String(mantissa[1]) : "")
    let leading = all.prefix { $0 == "0" }.count
    var digits = all.dropFirst(leading)
    while digits.last == "0" { digits = digits.dropLast() }
    return (String(digits), whole.count + exponent - leading)
  }
}
