/// Numbers of tokens as people write them.
public enum TokenCount {
  /// `1B`, `1.5B`, `500M`, `10k`, `2T`, `1_000_000`, `1e9`: decimal multiples; nil for anything else, or what is no whole number.
  public static func parse(_ text: String) -> Int? {
    var digits = text.replacing("_", with: "")
    let multiples: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12]
    var multiple = 1.0
    if let last = digits.last, let found = multiples[last] {
      multiple = found
      digits.removeLast()
    } else if let whole = Int(digits) {
      return whole >= 0 ? whole : nil
    }
    // Double also reads "inf", "0x10" and a sign, which are no counts.
    guard digits.utf8.first.map({ (0x30...0x39).contains($0) }) ?? false, !digits.contains("x"), !digits.contains("X"),
      let number = Double(digits)
    else { return nil }
    // 1.1 × 10^9 is no exact product in binary; a part in 10^12 is nearer than any two counts that are meant.
    let value = (number * multiple).rounded()
    guard abs(value - number * multiple) <= 1e-12 * value, value < 0x1p62 else { return nil }
    return Int(value)
  }
}
