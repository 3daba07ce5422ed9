import Testing

@testable import Tokenization

struct CanonicalComposerTests {
  private func composed(_ bytes: [UInt8]) -> [UInt8] {
    var composer = CanonicalComposer()
    var result: [UInt8] = []
    bytes.withUnsafeBufferPointer { composer.withComposed($0) { result = Array($0) } }
    return result
  }

  private func composed(_ text: String) -> [Unicode.Scalar] {
    Array(String(decoding: composed(Array(text.utf8)), as: UTF8.self).unicodeScalars)
  }

  @Test(arguments: [
    ("plain", "plain"), ("e\u{301}", "\u{E9}"), ("\u{E9}", "\u{E9}"), ("xe\u{301}y", "x\u{E9}y"),
    // Marks are put in order, and what stands in the way of one another stays.
    ("o\u{302}\u{323}", "\u{1ED9}"), ("q\u{307}\u{323}", "q\u{323}\u{307}"),
    ("a\u{315}\u{300}\u{5AE}b", "\u{E0}\u{5AE}\u{315}b"),
    ("\u{E9}\u{323}", "\u{1EB9}\u{301}"), ("\u{301}e", "\u{301}e"), ("a\u{345}\u{301}", "\u{E1}\u{345}"),
    // Singletons and excluded characters.
    ("\u{212B}\u{2126}", "\u{C5}\u{3A9}"), ("\u{958}", "\u{915}\u{93C}"), ("\u{344}", "\u{308}\u{301}"),
    ("\u{2F800}", "\u{4E3D}"),
    // Hangul.
    ("\u{1112}\u{1161}\u{11AB}", "\u{D55C}"), ("\u{D558}\u{11AB}", "\u{D55C}"),
    ("\u{D55C}\u{11AB}", "\u{D55C}\u{11AB}"),
    ("\u{1112}\u{1161}\u{11A7}", "\u{D558}\u{11A7}"), ("\u{1161}\u{11AB}", "\u{1161}\u{11AB}"),
    // Later than Unicode 9: as `tokenizers` leaves it.
    ("\u{11935}\u{11930}", "\u{11935}\u{11930}"), ("x\u{1ABF}\u{316}", "x\u{1ABF}\u{316}"),
  ])
  func composes(text: String, expected: String) {
    #expect(composed(text) == Array(expected.unicodeScalars))
  }

  @Test func bytesThatAreNoTextStay() {
    #expect(
      composed([0x65, 0xCC, 0x81, 0xFF, 0xCC, 0x81, 0xE2, 0x82, 0x65, 0xCC]) == [
        0xC3, 0xA9, 0xFF, 0xCC, 0x81, 0xE2, 0x82, 0x65, 0xCC,
      ])
    #expect(composed([0xC3, 0xA9, 0x80, 0xCC, 0x81]) == [0xC3, 0xA9, 0x80, 0xCC, 0x81])
    #expect(composed([]) == [])
  }

  /// The standard library knows more characters, but not these differently.
  @Test func agreesWithTheStandardLibrary() {
    var later = 0
    for value in UInt32(0)..<0x30000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let entry = CanonicalTables.shared[value]
      let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
      if entry.combiningClass == 0, combiningClass != 0 {
        later += 1
      } else {
        #expect(entry.combiningClass == combiningClass, "U+\(String(value, radix: 16))")
      }
    }
    #expect(later > 0 && later < 200)
  }

  /// In time that grows hardly faster than the text.
  @Test func manyMarks() {
    let marks = String(repeating: "\u{301}\u{323}", count: 50_000)
    let result = composed("o" + marks)
    #expect(result.count == 100_000 && result.prefix(2) == ["\u{1ECD}", "\u{323}"])
  }

  @Test func addedTokensAreComposedToo() throws {
    let added = #"""
      [{"id": 12, "content": "ae\#u{301}", "normalized": true},
       {"id": 13, "content": "bo\#u{308}", "normalized": false}]
      """#
    let json = ByteLevelTests.json(added: added, normalizer: #"{"type": "Sequence", "normalizers": [{"type": "NFC"}]}"#)
    let tokenizer = try tokenizer(["tokenizer.json": json])
    #expect(tokenizer.encode("a\u{E9}ae\u{301}e\u{301}", addSpecialTokens: false) == [12, 12, 9])
    #expect(tokenizer.encode("bo\u{308}b\u{F6}", addSpecialTokens: false) == [13, 1, 7])
    #expect(tokenizer.decode([12], skipSpecialTokens: false).unicodeScalars.count == 3)
  }
}
