/// The tokens that stand for single bytes where a character has no token of its own: `<0x00>` to `<0xFF>`.
enum ByteToken {
  static func byte(of token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">"),
      let high = digit(token[3]), let low = digit(token[4])
    else { return nil }
    return high << 4 | low
  }

  /// Upper case only, as they are written.
  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
