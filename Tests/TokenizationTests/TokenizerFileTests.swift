import Foundation
import TestSupport
import Testing

@testable import Tokenization

/// What the tokenizer files of other models than GPT-2 say.
struct TokenizerFileTests {
  private static let llama3 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"#
    + #"|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#

  private static let plain = #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"#

  private func sequence(_ first: String, _ byteLevel: String = plain) -> String {
    #"{"type": "Sequence", "pretokenizers": [\#(first), \#(byteLevel)]}"#
  }

  private func split(_ pattern: String, _ options: String = #""behavior": "Isolated", "invert": false"#) -> String {
    #"{"type": "Split", "pattern": {"Regex": "\#(pattern)"}, \#(options)}"#
  }

  private func load(_ preTokenizer: String) throws -> Tokenizer {
    try tokenizer(["tokenizer.json": ByteLevelTests.json(preTokenizer: preTokenizer)])
  }

  @Test func splits() throws {
    for options in [#""behavior": "Isolated""#, #""behavior": "Removed", "invert": true"#] {
      // "!a" is a word of Llama 3's, not of GPT-2's; no merge reaches into " b".
      let tokenizer = try load(sequence(split(TokenizerFileTests.llama3, options)))
      #expect(tokenizer.encode("!ab b\u{E9}", addSpecialTokens: false) == [11, 4, 3, 1, 9])
      #expect(tokenizer.warnings.isEmpty)
    }
    let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"#
    #expect(try load(sequence(split(gpt2))).encode("a  ab", addSpecialTokens: false) == [0, 3, 3, 4])
    let digits = sequence(
      #"{"type": "Digits", "individual_digits": true}"#, #"{"type": "ByteLevel", "add_prefix_space": false}"#)
    #expect(try load(digits).encode("a  ab", addSpecialTokens: false) == [0, 3, 3, 4])
  }

  @Test func whatIsMissingIsNamed() throws {
    func message(_ preTokenizer: String) throws -> String {
      try TokenizationTests.message(["tokenizer.json": ByteLevelTests.json(preTokenizer: preTokenizer)])
    }
    let unknown = try message(sequence(split(#"[\r\n]|\\s?\\p{L}+"#)))
    #expect(unknown.contains(#"pre_tokenizer Split by {"Regex": "[\r\n]|\\s?\\p{L}+"} is not supported"#), "\(unknown)")
    #expect(!unknown.contains("\n"))
    #expect(
      try message(sequence(split(TokenizerFileTests.llama3, #""behavior": "Removed", "invert": false"#)))
        .contains("Split with behavior Removed and invert false is not supported"))
    #expect(
      try message(sequence(split(TokenizerFileTests.llama3), #"{"type": "ByteLevel", "add_prefix_space": false}"#))
        .contains(
          "ByteLevel with add_prefix_space false and use_regex true is not supported; supported: false and false"))
    #expect(
      try message(sequence(#"{"type": "Digits", "individual_digits": true}"#))
        .contains("supported: false and true behind Digits"))
    #expect(try message(sequence(#"{"type": "Digits"}"#)).contains("pre_tokenizer Digits is not supported"))
    #expect(try message(sequence(#"{"type": "Punctuation"}"#)).contains("pre_tokenizer Punctuation is not supported"))
    let three = sequence(#"{"type": "Digits"}, {"type": "Punctuation"}"#)
    #expect(try message(three).contains("pre_tokenizer Digits is not supported"))
    let lowercase = ByteLevelTests.json(normalizer: #"{"type": "Lowercase"}"#)
    #expect(
      try TokenizationTests.message(["tokenizer.json": lowercase]).contains("normalizer Lowercase is not supported"))
  }

  /// Llama 3's added tokens have ids behind the vocabulary, and its template stands behind ByteLevel.
  @Test func llama3() throws {
    let added = (0..<256).map { #"{"id": \#(12 + $0), "content": "<|\#($0)|>", "special": true, "normalized": false}"# }
    let template = #"""
      {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "special_tokens": {"B": {"id": "B", "ids": [12], "tokens": ["<|0|>"]}}}]}
      """#
    let json = ByteLevelTests.json(
      added: "[\(added.joined(separator: ","))]", preTokenizer: sequence(split(TokenizerFileTests.llama3)),
      postProcessor: template, options: #""ignore_merges": true,"#)
    let tokenizer = try tokenizer(["tokenizer.json": json])
    #expect(tokenizer.vocabularySize == 268 && tokenizer.bos == 12 && tokenizer.addsBOS)
    #expect(tokenizer.encode("abc<|255|><|25<|2|>", addSpecialTokens: true).prefix(3) == [12, 6, 267])
    #expect(tokenizer.encode("abc<|255|>", addSpecialTokens: false) == [6, 267])
  }

  /// vocab.json and merges.txt are cut as the class says that reads them.
  @Test func classes() throws {
    func files(_ name: String) -> [String: String] {
      [
        "vocab.json": ByteLevelTests.vocabulary.replacingOccurrences(of: "}", with: #", "!a": 12}"#),
        "merges.txt": ByteLevelTests.merges + "! a\n",
        "tokenizer_config.json": #"{"tokenizer_class": "\#(name)"}"#,
      ]
    }
    func ids(_ name: String) throws -> [Int32] {
      try tokenizer(files(name)).encode("!a e\u{301}", addSpecialTokens: false)
    }
    // The vocabulary has neither "e" nor the mark.
    #expect(try ids("GPT2Tokenizer") == [11, 0, 3])
    #expect(try ids("GPTNeoXTokenizerFast") == [11, 0, 3, 9])
    #expect(try ids("Qwen2Tokenizer") == [12, 3, 9])
    #expect(
      try message(files("BloomTokenizer")).contains(
        "tokenizer_config.json: tokenizer_class 'BloomTokenizer' with vocab.json and merges.txt alone is not supported")
    )
    // Where a tokenizer.json says everything, the class does not count.
    var bloom = files("BloomTokenizer")
    bloom["tokenizer.json"] = ByteLevelTests.json()
    #expect(try message(bloom) == "")
  }

  @Test func convertedFilesAreAcceptedWithAWarning() throws {
    let bytes = (0..<256).map { #", "<0x\#(String(format: "%02X", $0))>": \#(9 + $0)"# }.joined()
    let converted = CharacterLevelTests.json(
      normalizer: CharacterLevelTests.prepend, options: #""byte_fallback": true, "unk_token": "<unk>","#,
      vocabulary: bytes)
    let warnings = try tokenizer(["tokenizer.json": converted]).warnings
    #expect(warnings.count == 1)
    let warning = try #require(warnings.first)
    #expect(warning.contains("/tokenizer.json: converted from a SentencePiece model") && !warning.contains("\n"))
    #expect(warning.contains("tokenizer.model"))
    // The model itself needs none.
    var file = SentencePieceFile()
    file.add(["▁a", "▁", "a"])
    let directory = try TemporaryDirectory()
    try directory.write("tokenizer.model", file.bytes)
    try directory.write("tokenizer.json", converted)
    #expect(try Tokenizer.load(directory: directory.path).warnings.isEmpty)
    #expect(try tokenizer(["tokenizer.json": ByteLevelTests.json()]).warnings.isEmpty)
  }
}
