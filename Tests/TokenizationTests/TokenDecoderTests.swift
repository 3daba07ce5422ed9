import TestSupport
import Testing

@testable import Tokenization

struct TokenDecoderTests {
  /// A token for each byte, its id the byte.
  private let bytes = Vocabulary((0..<256).map { [UInt8($0)] }, special: [0], dropsFirstSpace: false)

  private func decode(_ bytes: [UInt8]) -> String {
    var decoder = TokenDecoder(self.bytes, skipSpecialTokens: false)
    return decoder.decode(bytes.map(Int32.init))
  }

  /// `bytes.decode("utf-8", errors="replace")` of CPython 3.11.
  @Test(
    arguments: [
      ([0x41, 0xFF, 0x42], "A\u{FFFD}B"), ([0xC3, 0xA9], "é"), ([0xC3], "\u{FFFD}"), ([0xC3, 0x28], "\u{FFFD}("),
      ([0xE2, 0x96], "\u{FFFD}"), ([0xE2, 0x28, 0xA1], "\u{FFFD}(\u{FFFD}"), ([0xE2, 0x96, 0x81], "▁"),
      ([0xF0, 0x9F, 0x98], "\u{FFFD}"), ([0xF0, 0x9F, 0x98, 0x41], "\u{FFFD}A"),
      ([0xF0, 0x9F, 0xC3, 0xA9], "\u{FFFD}é"), ([0x80, 0x80], "\u{FFFD}\u{FFFD}"),
      ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"), ([0xE0, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
      ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"), ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
      ([0xF8, 0x88], "\u{FFFD}\u{FFFD}"), ([], ""),
    ] as [([UInt8], String)])
  func replacesAsPython(bytes: [UInt8], text: String) {
    #expect(Array(decode(bytes).unicodeScalars) == Array(text.unicodeScalars))
  }

  @Test func onePieceAfterTheOtherGivesTheSameText() {
    var random = SeededGenerator(seed: 3)
    let interesting: [UInt8] = [
      0x41, 0x80, 0xBF, 0xC3, 0xA9, 0xE2, 0x96, 0x81, 0xED, 0xA0, 0xF0, 0x9F, 0x98, 0xF4, 0x90, 0xFF,
    ]
    for _ in 0..<2000 {
      let bytes = (0..<12).map { _ in interesting.randomElement(using: &random) ?? 0 }
      var decoder = TokenDecoder(self.bytes, skipSpecialTokens: false)
      let text = bytes.map { decoder.append(Int32($0)) }.joined() + decoder.finish()
      #expect(Array(text.unicodeScalars) == Array(decode(bytes).unicodeScalars), "\(bytes)")
    }
  }

  @Test func aCharacterComesOutWhenItIsWhole() {
    var decoder = TokenDecoder(bytes, skipSpecialTokens: false)
    #expect([0xF0, 0x9F, 0x98, 0x80, 0x41].map { decoder.append($0) } == ["", "", "", "😀", "A"])
    #expect(decoder.append(0xE2) == "")
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.finish() == "")
  }

  @Test func specialTokensAndTheFirstSpace() {
    let vocabulary = Vocabulary(
      [Array("<s>".utf8), Array(" a".utf8), Array(" ".utf8), []], special: [0], dropsFirstSpace: true)
    func text(_ ids: [Int32], skip: Bool) -> String {
      var decoder = TokenDecoder(vocabulary, skipSpecialTokens: skip)
      return decoder.decode(ids)
    }
    #expect(text([0, 1, 1], skip: true) == "a a")
    #expect(text([0, 1, 1], skip: false) == "<s> a a")
    #expect(text([2, 2, 1], skip: true) == "  a")
    // Ids without a token: a gap, beyond the end, negative.
    #expect(text([3, 1, 99, -1, 1], skip: true) == "a a")
  }
}
