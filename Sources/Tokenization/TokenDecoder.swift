/// Ids to text, one at a time: text comes out as soon as its characters are whole.
///
/// Bytes that are no UTF-8 become U+FFFD as Python's `errors="replace"` has it: one for each maximal part of a
/// character.
public struct TokenDecoder: Sendable {
  private let vocabulary: Vocabulary
  private let skipsSpecialTokens: Bool
  /// The space that encoding put in front is still to be taken away.
  private var dropsSpace: Bool
  /// Bytes of a character that may not be whole.
  private var pending: [UInt8] = []

  init(_ vocabulary: Vocabulary, skipSpecialTokens: Bool) {
    self.vocabulary = vocabulary
    skipsSpecialTokens = skipSpecialTokens
    dropsSpace = vocabulary.dropsFirstSpace
  }

  /// The text that this id completes; empty in the middle of a character. An id without a token adds nothing.
  public mutating func append(_ id: Int32) -> String {
    take(id)
    let whole = pending.count - TokenDecoder.unfinished(pending)
    defer { pending.removeFirst(whole) }
    return String(decoding: pending[..<whole], as: UTF8.self)
  }

  /// What is left: U+FFFD if the last character is not whole.
  public mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  mutating func decode(_ ids: [Int32]) -> String {
    for id in ids { take(id) }
    return finish()
  }

  private mutating func take(_ id: Int32) {
    if skipsSpecialTokens && vocabulary.isSpecial(id) { return }
    var bytes = vocabulary.bytes(of: id)
    if bytes.isEmpty { return }
    if dropsSpace, bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
    dropsSpace = false
    pending += bytes
  }

  /// How many bytes at the end begin a character that more bytes could complete.
  private static func unfinished(_ bytes: [UInt8]) -> Int {
    for length in 1..<4 where length <= bytes.count {
      let start = bytes.count - length
      let lead = bytes[start]
      if lead & 0xC0 == 0x80 { continue }
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      let needed: Int
      switch lead {
      case 0xC2...0xDF: needed = 2
      case 0xE0...0xEF:
        needed = 3
        if lead == 0xE0 { low = 0xA0 }
        if lead == 0xED { high = 0x9F }
      case 0xF0...0xF4:
        needed = 4
        if lead == 0xF0 { low = 0x90 }
        if lead == 0xF4 { high = 0x8F }
      default: return 0
      }
      guard length < needed else { return 0 }
      return length == 1 || (low...high).contains(bytes[start + 1]) ? length : 0
    }
    return 0
  }
}
