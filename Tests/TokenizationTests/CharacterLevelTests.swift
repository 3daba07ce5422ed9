import Testing

@testable import Tokenization

/// LLaMA's kind of tokenizer.json, from files made here.
struct CharacterLevelTests {
  static let prepend = #"""
    {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    """#
  static let decoder = #"""
    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    """#

  static func metaspace(_ scheme: String, split: Bool = false) -> String {
    #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "\#(scheme)", "split": \#(split)}"#
  }

  static func json(
    added: String = "[]", normalizer: String = "null", preTokenizer: String = "null",
    decoder: String = CharacterLevelTests.decoder,
    options: String = #""unk_token": "<unk>", "fuse_unk": true,"#, vocabulary: String = "", merges: String = ""
  ) -> String {
    """
    {"added_tokens": \(added), "normalizer": \(normalizer), "pre_tokenizer": \(preTokenizer), "decoder": \(decoder),
    "model": {"type": "BPE", \(options) "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 3, "a": 4, "b": 5, "▁a": 6, "▁▁": 7,
    "ab": 8\(vocabulary)}, "merges": [["▁", "a"], ["▁", "▁"], ["a", "b"]\(merges)]}}
    """
  }

  private func ids(_ text: String, _ json: String) throws -> [Int32] {
    try tokenizer(["tokenizer.json": json]).encode(text, addSpecialTokens: false)
  }

  @Test func prependAndReplace() throws {
    let json = CharacterLevelTests.json(normalizer: CharacterLevelTests.prepend)
    #expect(try ids("a ab", json) == [6, 6, 5])
    // A space of the text's own comes behind the one in front.
    #expect(try ids(" a", json) == [3, 6])
    #expect(try ids("b   a", json) == [3, 5, 7, 6])
    // "▁" and a space are the same.
    #expect(try ids("b▁▁ a", json) == [3, 5, 7, 6])
    #expect(try ids("", json) == [])
    let tokenizer = try tokenizer(["tokenizer.json": json])
    #expect(tokenizer.bos == 1 && tokenizer.eos == 2)
    #expect(tokenizer.decode([6, 6, 5], skipSpecialTokens: true) == "a ab")
    #expect(tokenizer.decode([3, 6], skipSpecialTokens: true) == " a")
  }

  @Test func metaspace() throws {
    func ids(_ text: String, _ scheme: String, split: Bool = false) throws -> [Int32] {
      let added = #"[{"id": 0, "content": "<unk>", "special": true}]"#
      return try self.ids(
        text, CharacterLevelTests.json(added: added, preTokenizer: CharacterLevelTests.metaspace(scheme, split: split)))
    }
    #expect(try ids("a<unk>a", "always") == [6, 0, 6])
    #expect(try ids("a<unk>a", "first") == [6, 0, 4])
    #expect(try ids("a<unk>a", "never") == [4, 0, 4])
    // Unlike Prepend: no second space in front of one.
    #expect(try ids(" a", "always") == [6])
    #expect(try ids("▁a", "always") == [6])
    #expect(try ids("b   a", "always") == [3, 5, 7, 6])
    #expect(try ids("b   a", "always", split: true) == [3, 5, 3, 3, 6])
    let older = #"{"type": "Metaspace", "replacement": "▁", "add_prefix_space": false, "split": false}"#
    #expect(try self.ids("a", CharacterLevelTests.json(preTokenizer: older)) == [4])
  }

  @Test func unknownCharacters() throws {
    let fused = CharacterLevelTests.json(normalizer: CharacterLevelTests.prepend)
    #expect(try ids("xyaéé", fused) == [3, 0, 4, 0])
    let apart = CharacterLevelTests.json(
      normalizer: CharacterLevelTests.prepend, options: #""unk_token": "<unk>", "fuse_unk": false,"#)
    #expect(try ids("xya", apart) == [3, 0, 0, 4])
    let dropped = CharacterLevelTests.json(normalizer: CharacterLevelTests.prepend, options: "")
    #expect(try ids("xya", dropped) == [6])
    let absent = CharacterLevelTests.json(options: #""unk_token": "<no>","#)
    #expect(try message(["tokenizer.json": absent]).contains("'model.unk_token' is '<no>', a token that neither"))
  }

  @Test func byteFallback() throws {
    let options = #""byte_fallback": true, "unk_token": "<unk>", "fuse_unk": true,"#
    let json = CharacterLevelTests.json(
      normalizer: CharacterLevelTests.prepend, options: options,
      vocabulary: #", "<0xC3>": 9, "<0xA9>": 10, "<0x0A>": 11, "<0xc3>": 12"#)
    // The bytes of "è" are not all there, so it is unknown.
    #expect(try ids("aé\n\nè", json) == [6, 9, 10, 11, 11, 0])
    // The token of a byte is not the text that names it.
    #expect(try ids("<0xA9>", json) == [3, 0])
    let tokenizer = try tokenizer(["tokenizer.json": json])
    #expect(tokenizer.decode([6, 9, 10, 11, 9], skipSpecialTokens: true) == "aé\n\u{FFFD}")
    let merged = CharacterLevelTests.json(
      options: options, vocabulary: #", "<0xC3>": 9, "a<0xC3>": 10"#, merges: #", ["a", "<0xC3>"]"#)
    #expect(try message(["tokenizer.json": merged]).contains("merge of byte tokens, 'a<0xC3>', is not supported"))
  }

  /// The word that may be a token as a whole is the text between spaces, not a part of it.
  @Test func ignoredMerges() throws {
    let json = CharacterLevelTests.json(
      preTokenizer: CharacterLevelTests.metaspace("always", split: true),
      options: #""ignore_merges": true, "unk_token": "<unk>","#, vocabulary: #", "▁ba": 9, "ba": 10"#)
    #expect(try ids("ba aba", json) == [9, 6, 5, 4])
  }

  /// In `tokenizers` the content is normalised as a text of its own, so that such a token is found behind a space only.
  @Test func normalizedAddedTokens() throws {
    func ids(_ text: String, normalized: Bool) throws -> [Int32] {
      try self.ids(
        text,
        CharacterLevelTests.json(
          added: #"[{"id": 1, "content": "<s>", "special": true, "normalized": \#(normalized)}]"#,
          normalizer: CharacterLevelTests.prepend))
    }
    #expect(try ids("a <s>a", normalized: true) == [6, 1, 4])
    #expect(try ids("a<s>a", normalized: true) == [6, 0, 4])
    #expect(try ids("<s>a", normalized: true) == [1, 4])
    #expect(try ids("a <s>a", normalized: false) == [6, 3, 1, 6])
  }

  @Test func textIsCutOnlyWhereNothingMerges() throws {
    // "b▁a" is one token: words may not be cut at its space.
    let json = CharacterLevelTests.json(
      normalizer: CharacterLevelTests.prepend, vocabulary: #", "b▁a": 9"#, merges: #", ["b", "▁a"]"#)
    #expect(try ids("ab ab a", json) == [6, 9, 9])
    #expect(try ids("b  a", json) == [3, 5, 3, 6])
  }

  @Test func decoders() throws {
    for (decoder, expected) in [
      (#"{"type": "WordPiece"}"#, "decoder WordPiece is not supported"),
      (#"{"type": "Replace", "pattern": {"String": "_"}, "content": " "}"#, "decoder Replace is not supported"),
      (#"{"type": "Strip", "content": " ", "start": 0, "stop": 1}"#, "decoder Strip is not supported"),
    ] {
      let found = try message(["tokenizer.json": CharacterLevelTests.json(decoder: decoder)])
      #expect(found.contains(expected), "\(found)")
    }
    let metaspace = CharacterLevelTests.json(
      preTokenizer: CharacterLevelTests.metaspace("always"), decoder: CharacterLevelTests.metaspace("always"))
    #expect(try tokenizer(["tokenizer.json": metaspace]).decode([6, 6], skipSpecialTokens: true) == "a a")
  }

  @Test(arguments: [
    (#"{"type": "NFKC"}"#, "null", "normalizer NFKC is not supported"),
    (
      #"{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}"#, "null",
      "normalizer Lowercase is not supported"
    ),
    (#"{"type": "Prepend", "prepend": "▁"}"#, "null", "normalizer Prepend without Replace is not supported"),
    (
      #"{"type": "Replace", "pattern": {"Regex": " +"}, "content": "▁"}"#, "null",
      #"normalizer Replace {"Regex": " +"} is not supported"#
    ),
    ("null", #"{"type": "Whitespace"}"#, "pre_tokenizer Whitespace is not supported"),
    (
      "null", #"{"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]}"#,
      "pre_tokenizer Digits is not supported"
    ),
    (
      "null", #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "sometimes"}"#,
      "'pre_tokenizer.prepend_scheme' holds the string 'sometimes'"
    ),
    (
      "null", #"{"type": "Metaspace", "replacement": "_"}"#,
      "'pre_tokenizer.replacement' holds the string '_', expected '▁'"
    ),
    ("7", "null", "'normalizer.type' holds nothing, expected a string"),
  ])
  func whatIsMissingIsNamed(normalizer: String, preTokenizer: String, expected: String) throws {
    let json = CharacterLevelTests.json(normalizer: normalizer, preTokenizer: preTokenizer, decoder: "null")
    let found = try message(["tokenizer.json": json])
    #expect(found.contains(expected), "\(found)")
  }
}
