/// A character of UTF-8 text: its value and how many bytes it takes.
struct UTF8Scalar {
  var value: UInt32
  var length: Int

  /// What stands for a byte that begins no well-formed character. It takes that one byte.
  static let malformed = UTF8Scalar(value: 0xFFFD, length: 1)

  /// The character that begins at `text[at]` (The Unicode Standard, table 3-7).
  @inline(__always)
  init(in text: UnsafeBufferPointer<UInt8>, at: Int) {
    let lead = text[at]
    if lead < 0x80 {
      self.init(value: UInt32(lead), length: 1)
    } else {
      self = UTF8Scalar.multibyte(text, at, lead)
    }
  }

  private init(value: UInt32, length: Int) {
    self.value = value
    self.length = length
  }

  private static func multibyte(_ text: UnsafeBufferPointer<UInt8>, _ at: Int, _ lead: UInt8) -> UTF8Scalar {
    let length: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0...0xEF:
      length = 3
      if lead == 0xE0 { low = 0xA0 }
      if lead == 0xED { high = 0x9F }
    case 0xF0...0xF4:
      length = 4
      if lead == 0xF0 { low = 0x90 }
      if lead == 0xF4 { high = 0x8F }
    default: return malformed
    }
    guard length <= text.count - at, text[at + 1] >= low, text[at + 1] <= high else { return malformed }
    var value = (UInt32(lead) & (0x7F >> UInt32(length))) << 6 | UInt32(text[at + 1] & 0x3F)
    for index in 2..<4 where index < length {
      guard text[at + index] & 0xC0 == 0x80 else { return malformed }
      value = value << 6 | UInt32(text[at + index] & 0x3F)
    }
    return UTF8Scalar(value: value, length: length)
  }
}
