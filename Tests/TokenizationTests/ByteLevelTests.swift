import Foundation
import Testing

@testable import Tokenization

/// GPT-2's kind of tokenizer, from files made here.
struct ByteLevelTests {
  static let vocabulary = #"""
    {"a": 0, "b": 1, "c": 2, "Ġ": 3, "ab": 4, "Ġa": 5, "abc": 6, "Ã": 7, "©": 8, "Ã©": 9, "<|endoftext|>": 10, "!": 11}
    """#
  static let merges = "#version: 0.2\na b\nĠ a\nab c\nÃ ©\n"

  /// A tokenizer.json with these parts; the vocabulary is that of `vocabulary` and `merges`.
  static func json(
    added: String = "[]", normalizer: String = "null",
    preTokenizer: String = #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
    postProcessor: String = "null", decoder: String = #"{"type": "ByteLevel"}"#, options: String = "",
    merges: String? = nil
  ) -> String {
    """
    {"added_tokens": \(added), "normalizer": \(normalizer), "pre_tokenizer": \(preTokenizer),
    "post_processor": \(postProcessor), "decoder": \(decoder), "model": {"type": "BPE", \(options) "vocab": \(vocabulary),
    "merges": \(merges ?? #"["a b", ["Ġ", "a"], "ab c", "Ã ©"]"#)}}
    """
  }

  @Test func vocabularyAndMerges() throws {
    let files = ["vocab.json": ByteLevelTests.vocabulary, "merges.txt": ByteLevelTests.merges]
    let tokenizer = try tokenizer(files)
    #expect(tokenizer.vocabularySize == 11 + 1)
    #expect(tokenizer.bos == 10 && tokenizer.eos == 10 && !tokenizer.addsBOS)
    #expect(tokenizer.files.map { $0.split(separator: "/").last } == ["vocab.json", "merges.txt"])
    // " a" is merged before "ab" could be, but "ab" has the lower rank.
    #expect(tokenizer.encode("abc ab aé", addSpecialTokens: true) == [6, 3, 4, 5, 9])
    #expect(tokenizer.encode("a<|endoftext|>b", addSpecialTokens: false) == [0, 10, 1])
    #expect(tokenizer.decode([6, 3, 4, 10, 9], skipSpecialTokens: false) == "abc ab<|endoftext|>é")
    #expect(tokenizer.decode([6, 3, 4, 10, 9], skipSpecialTokens: true) == "abc abé")
    // A byte that the vocabulary lacks is left out, as in `tokenizers`, before anything is merged.
    #expect(tokenizer.encode("axb", addSpecialTokens: false) == [4])
    #expect(tokenizer.encode("", addSpecialTokens: true) == [])
  }

  @Test func aTokenizerFileIsTheSame() throws {
    let files = try tokenizer(["vocab.json": ByteLevelTests.vocabulary, "merges.txt": ByteLevelTests.merges])
    let json = try tokenizer(["tokenizer.json": ByteLevelTests.json()])
    for text in ["abc ab aé", "  a  b\n\nabc", "ab" + String(repeating: "a", count: 500) + "bc é!"] {
      #expect(json.encode(text, addSpecialTokens: false) == files.encode(text, addSpecialTokens: false))
    }
  }

  @Test func options() throws {
    func ids(_ text: String, _ json: String) throws -> [Int32] {
      try tokenizer(["tokenizer.json": json]).encode(text, addSpecialTokens: false)
    }
    let prefix = ByteLevelTests.json(preTokenizer: #"{"type": "ByteLevel", "add_prefix_space": true}"#)
    #expect(try ids("a b", prefix) == [5, 3, 1])
    #expect(try ids(" a b", prefix) == [5, 3, 1])
    // Without the pattern the text is one word: "Ġ a" reaches over the space.
    let whole = ByteLevelTests.json(
      preTokenizer: #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"#,
      merges: #"["b Ġ"]"#
    ).replacingOccurrences(of: #""Ġa": 5"#, with: #""bĠ": 5"#)
    #expect(try ids("ab a", whole) == [0, 5, 0])
    #expect(try ids("xa", ByteLevelTests.json(options: #""unk_token": "!","#)) == [11, 0])
    #expect(try ids("xya", ByteLevelTests.json(options: #""unk_token": "!", "fuse_unk": true,"#)) == [11, 0])
    #expect(try ids("xya", ByteLevelTests.json(options: #""unk_token": "!","#)) == [11, 11, 0])
    // Without its merges "abc" can only be the word itself.
    #expect(
      try ids("abc abc", ByteLevelTests.json(options: #""ignore_merges": true,"#, merges: "[]")) == [6, 3, 0, 1, 2])
    #expect(try ids("abc", ByteLevelTests.json(options: #""dropout": null, "continuing_subword_prefix": "","#)) == [6])
  }

  @Test func longWordsAndShortOnesAgree() throws {
    let tokenizer = try tokenizer(["tokenizer.json": ByteLevelTests.json()])
    // 31, 32 and 33 bytes stand on both sides of what the word cache keeps, 47 and 48 of the two ways of merging.
    for count in [1, 7, 8, 9, 16, 17, 24, 31, 32, 33, 47, 48, 49, 1000] {
      let text = String(repeating: "ab", count: count / 2) + (count % 2 == 1 ? "c" : "")
      let expected = Array(repeating: Int32(4), count: count / 2)
      var merged = expected
      if count % 2 == 1 { merged = expected.isEmpty ? [2] : expected.dropLast() + [6] }
      for _ in 0..<2 { #expect(tokenizer.encode(text, addSpecialTokens: false) == merged, "\(count)") }
    }
  }

  @Test func bytesThatAreNoTextAreEncoded() throws {
    let tokenizer = try tokenizer(["tokenizer.json": ByteLevelTests.json()])
    var ids: [Int32] = [77]
    [0x61, 0xC3, 0x20, 0xFF, 0x61, 0xC3, 0xA9, 0xC3].withUnsafeBufferPointer {
      tokenizer.encode(utf8: $0, addSpecialTokens: false, into: &ids)
    }
    #expect(ids == [77, 0, 7, 3, 0, 9, 7])
  }

  /// Threads that share a tokenizer, each with texts of its own.
  @Test func threads() async throws {
    let tokenizer = try tokenizer(["tokenizer.json": ByteLevelTests.json()])
    let texts = (0..<64).map { String(repeating: "abc ab é", count: $0) + "!" }
    let expected = texts.map { tokenizer.encode($0, addSpecialTokens: false) }
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask { texts.map { tokenizer.encode($0, addSpecialTokens: false) } == expected }
      }
      for await isEqual in group { #expect(isEqual) }
    }
  }
}
