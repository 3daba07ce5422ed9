import TestSupport
import Testing

@testable import Tokenization

/// A text that is cut where `lastCut` says has the ids of the whole.
@Suite struct TextCutsTests {
  private static let fragments = [
    "the", "a", "Word", "don't", "e w", "d Th", "Z a", "x\ny", "ß", "naïve", "字", "語。", "123", "4", " ", " ", " ", "  ",
    "\n", "\n", "\n\n", "\r\n", "\t",
    ".", "!", "/", "'s", "’", "▁", "<|endoftext|>", "</s>", "<s>", "e\u{301}", "\u{A0}", "\u{3000}", "ﬁ", "👩‍🚀", "\u{0}",
  ]

  private static func text(_ random: inout SeededGenerator) -> [UInt8] {
    (0..<Int.random(in: 2...120, using: &random)).flatMap { _ in
      Array((fragments.randomElement(using: &random) ?? "").utf8)
    }
  }

  private static func cut(_ text: [UInt8], _ tokenizer: Tokenizer, window: Int) -> (ids: [Int32], cuts: Int) {
    var ids: [Int32] = []
    var cuts = 0
    var start = 0
    text.withUnsafeBufferPointer { text in
      while true {
        let rest = UnsafeBufferPointer(rebasing: text[start...])
        let seen = UnsafeBufferPointer(rebasing: rest.prefix(window))
        let length = seen.count < rest.count ? tokenizer.lastCut(in: seen) : nil
        let part = UnsafeBufferPointer(rebasing: rest.prefix(length ?? rest.count))
        if start == 0 {
          tokenizer.encode(utf8: part, addSpecialTokens: false, into: &ids)
        } else {
          tokenizer.encodeContinuation(utf8: part, into: &ids)
        }
        guard let length else { return }
        start += length
        cuts += 1
      }
    }
    return (ids, cuts)
  }

  @Test(
    .enabled(if: Shared.isAvailable, "needs shared/"),
    arguments: [
      ("tokenizer.json", "gpt2-hf/gpt2.tokenizer.json"), ("tokenizer.json", "openllama-3b-v1/tokenizer.json"),
      ("tokenizer.model", "mistral-7b-v0.1/tokenizer.model"),
      ("tokenizer.model", "hf-fixtures/test_sentencepiece_bpe.model"),
    ])
  func partsHaveTheIdsOfTheWhole(file: String, source: String) throws {
    let directory = try TemporaryDirectory()
    try directory.link(file, to: "data/tokenizers/" + source)
    let tokenizer = try Tokenizer.load(directory: directory.path)
    var random = SeededGenerator(seed: 5)
    var cuts = 0
    for _ in 0..<400 {
      let text = TextCutsTests.text(&random)
      var whole: [Int32] = []
      text.withUnsafeBufferPointer { tokenizer.encode(utf8: $0, addSpecialTokens: false, into: &whole) }
      let parts = TextCutsTests.cut(text, tokenizer, window: Int.random(in: 3...60, using: &random))
      #expect(parts.ids == whole, "\(String(decoding: text, as: UTF8.self).debugDescription)")
      cuts += parts.cuts
    }
    #expect(cuts > 100)
  }

  /// Vocabularies in which something reaches over the places that are usually safe.
  @Test(arguments: [
    // A piece "a b"; an added token with a space in it; one that takes white space from its neighbours.
    (#"{"a":0,"b":1," ":2,"a ":3,"a b":4}"#, #"[["a"," "],["a ","b"]]"#, ""),
    (#"{"a":0,"b":1," ":2}"#, "[]", #"{"id":3,"content":"a b"}"#),
    (#"{"a":0,"b":1," ":2}"#, "[]", #"{"id":3,"content":"x","rstrip":true}"#),
    (#"{"a":0,"b":1," ":2}"#, "[]", #"{"id":2,"content":" "}"#),
  ])
  func nothingIsCutWhereATokenReachesOver(vocabulary: String, merges: String, added: String) throws {
    let tokenizer = try tokenizer([
      "tokenizer.json":
        #"{"model":{"type":"BPE","vocab":\#(vocabulary),"merges":\#(merges)},"added_tokens":[\#(added)]}"#
    ])
    Array("a b".utf8).withUnsafeBufferPointer { #expect(tokenizer.lastCut(in: $0) == nil) }
  }

  @Test func aLineFeedIsNoPlaceWhereATokenTakesItAway() throws {
    func cut(_ added: String) throws -> Int? {
      let tokenizer = try tokenizer([
        "tokenizer.json":
          #"{"model":{"type":"BPE","vocab":{"a":0,"b":1,"Ċ":2},"merges":[]},"added_tokens":[\#(added)],"#
          + #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}}"#
      ])
      return Array("a\nb".utf8).withUnsafeBufferPointer { tokenizer.lastCut(in: $0) }
    }
    #expect(try cut("") == 2)
    #expect(try cut(#"{"id":1,"content":"b","lstrip":true}"#) == nil)
    #expect(try cut(#"{"id":3,"content":"x\n"}"#) == nil)
  }
}
