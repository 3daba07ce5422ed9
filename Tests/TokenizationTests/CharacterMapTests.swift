import TestSupport
import Testing

@testable import Tokenization

struct CharacterMapTests {
  /// A map as SentencePiece stores it: the children of each node in a block of 256.
  private func blob(_ replacements: [(String, String)]) -> [UInt8] {
    var units = [UInt32](repeating: 0, count: 512)
    func children(_ node: Int) -> Int { node ^ Int(units[node] >> 10) }
    var strings: [UInt8] = []
    units[0] = 256 << 10
    for (sequence, replacement) in replacements {
      var node = 0
      for byte in sequence.utf8 {
        node = children(node) ^ Int(byte)
        if units[node] == 0 {
          units[node] = UInt32(units.count ^ node) << 10 | UInt32(byte)
          units += Array(repeating: 0, count: 256)
        }
      }
      units[node] |= 1 << 8
      units[children(node)] = 1 << 31 | UInt32(strings.count)
      strings += Array(replacement.utf8) + [0]
    }
    return self.blob(units, strings)
  }

  private func blob(_ units: [UInt32], _ strings: [UInt8]) -> [UInt8] {
    ([UInt32(units.count * 4)] + units).flatMap { unit in withUnsafeBytes(of: unit.littleEndian) { Array($0) } }
      + strings
  }

  private func map(_ blob: [UInt8]) throws -> CharacterMap {
    try blob.withUnsafeBytes { try CharacterMap($0, path: "m") }
  }

  private func prepare(_ text: String, _ change: (inout TextPreparation) throws -> Void) rethrows -> String {
    var preparation = TextPreparation()
    try change(&preparation)
    var result: [UInt8] = []
    Array(text.utf8).withUnsafeBufferPointer { preparation.prepare($0, at: .start, into: &result) }
    return String(decoding: result, as: UTF8.self)
  }

  @Test func theLongestSequenceIsReplaced() throws {
    let map = try map(blob([("é", "e"), ("\u{3000}", " "), ("ab", "X"), ("abc", "Y"), ("-", "")]))
    #expect(prepare("éabdab abcab-a\u{3000}", { $0.characterMap = map }) == "eXdX YXa ")
    #expect(
      prepare(" \u{3000}é \u{3000} a-\u{3000}") {
        $0.characterMap = map
        $0.removesExtraSpaces = true
        $0.prefix = .always
      } == " e a")
    #expect(
      prepare("abcab") {
        $0.characterMap = map
        $0.protected = AddedTokenMatcher([
          AddedToken(content: Array("bc".utf8), id: 0), AddedToken(content: Array("ab".utf8), id: 1),
        ])
      } == "abcab")
  }

  @Test func damagedMaps() throws {
    let good = blob([("a", "b")])
    for bad in [[], [1, 2, 3], Array(good.dropLast()), [4, 0, 0, 0] + [0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 0, 0]] {
      #expect(throws: TokenizationError.self) { try map(bad) }
    }
    #expect(throws: TokenizationError.self) { try map(blob([("a", String(repeating: "b", count: 2000))])) }
    // A node that leads to itself; a value and a child beyond the end.
    let loop = try map(blob([0, 0x61 | 0x61 << 10], [0]))
    #expect(prepare("aaa", { $0.characterMap = loop }) == "aaa")
    let value = try map(
      blob([0x61 << 10] + Array(repeating: 0, count: 0x60) + [1 << 8 | 0x61 | 0x61 << 10, 1 << 31 | 99], [0]))
    #expect(prepare("a", { $0.characterMap = value }) == "a")
    let child = try map(blob([UInt32.max], [0]))
    #expect(prepare("a", { $0.characterMap = child }) == "a")
  }

  /// nmt_nfkc, with spaces removed; the ids are those of sentencepiece 0.2.
  @Test(.enabled(if: Shared.isAvailable, "needs shared/"))
  func agreesWithSentencePiece() throws {
    let directory = try TemporaryDirectory()
    try directory.link("tokenizer.model", to: "data/tokenizers/hf-fixtures/test_sentencepiece_bpe.model")
    let tokenizer = try Tokenizer.load(directory: directory.path)
    let golden: [(String, [Int32])] = [
      ("ＡＢＣ ｆｕｌｌ", [124, 971, 976, 792]), ("  many   spaces \t here\u{3000}now ", [565, 224, 111, 44, 548, 539]),
      ("ﬁne ½ ①", [20, 137, 475, 0, 998, 475]), ("e\u{301} É", [931, 0, 931, 0]),
      ("\u{200B}zero\u{AD}width", [931, 982, 21, 934, 0, 946, 57, 354]), ("ｶﾞ ㍿", [931, 0, 931, 0]),
      ("line\nbreak\r\n", [916, 12, 11, 199]), ("♥ ﷺ", [931, 0, 931, 0, 931, 0, 931, 0, 931, 0]),
    ]
    for (text, ids) in golden { #expect(tokenizer.encode(text, addSpecialTokens: false) == ids, "\(text)") }
  }
}
