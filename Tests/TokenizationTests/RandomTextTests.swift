import TestSupport
import Testing

@testable import Tokenization

/// Random strings over Unicode against the reference libraries: hashes of what tokenizers 0.23.3 and sentencepiece 0.2 give,
/// as scripts/tokenizer_differential.py --golden prints them. The script compares as many as one likes.
struct RandomTextTests {
  private static let texts = (0..<20_000).map { Array(RandomTexts(seed: 1).text($0).utf8) }

  private func hash(_ numbers: (UnsafeBufferPointer<UInt8>) -> [Int32]) -> UInt64 {
    var hash = FNV1a()
    for text in RandomTextTests.texts {
      let numbers = text.withUnsafeBufferPointer(numbers)
      hash.combine(Int32(numbers.count))
      for number in numbers { hash.combine(number) }
    }
    return hash.value
  }

  private func wordHash(_ end: (Int, UnsafeBufferPointer<UInt8>) -> Int) -> UInt64 {
    hash { text in
      var lengths: [Int32] = []
      var start = 0
      while start < text.count {
        let end = end(start, text)
        lengths.append(Int32(end - start))
        start = end
      }
      return lengths
    }
  }

  @Test func theTextsAreThoseOfTheScript() {
    var hash = FNV1a()
    for text in RandomTextTests.texts { for byte in text { hash.combine(byte) } }
    #expect(hash.value == 0x50C1_B27B_4FC3_815D)
  }

  @Test func words() {
    let (gpt2, starCoder) = (GPT2Pattern(), StarCoderPattern())
    let (llama3, qwen) = (GPT4Pattern(longestNumber: 3), GPT4Pattern(longestNumber: 1))
    #expect(wordHash { gpt2.end(of: $0, in: $1) } == 0x46C9_D436_499C_024F)
    #expect(wordHash { llama3.end(of: $0, in: $1) } == 0xBB54_7015_2DDC_A3A9)
    #expect(wordHash { qwen.end(of: $0, in: $1) } == 0xC7F9_F888_545C_3830)
    #expect(wordHash { starCoder.end(of: $0, in: $1) } == 0x4522_4D3B_FC81_7501)
  }

  @Test func composition() {
    var composer = CanonicalComposer()
    var hash = FNV1a()
    for (index, text) in RandomTextTests.texts.enumerated() {
      if index > 0 { hash.combine(UInt8(0)) }
      text.withUnsafeBufferPointer { text in composer.withComposed(text) { for byte in $0 { hash.combine(byte) } } }
    }
    #expect(hash.value == 0x5FFA_7AA8_D10F_99E6)
  }

  @Test(
    .enabled(if: Shared.isAvailable, "needs shared/"),
    arguments: [
      ("tokenizer.json", "gpt2-hf/gpt2.tokenizer.json", 0x73F2_5444_0A37_33DA),
      ("tokenizer.json", "gpt-neox-20b/20B_tokenizer.json", 0x2743_A09A_73B7_A942),
      ("tokenizer.json", "openllama-3b-v1/tokenizer.json", 0x1E91_53EE_EBFE_B1FB),
      ("tokenizer.model", "mistral-7b-v0.1/tokenizer.model", 0xC9C7_377A_385B_BF52),
    ] as [(String, String, UInt64)])
  func ids(file: String, source: String, expected: UInt64) throws {
    let directory = try TemporaryDirectory()
    try directory.link(file, to: "data/tokenizers/" + source)
    try check(try Tokenizer.load(directory: directory.path), expected)
  }

  /// The patterns of other models over GPT-2's vocabulary.
  @Test(
    .enabled(if: Shared.isAvailable, "needs shared/"),
    arguments: [
      (#"\\p{N}{1,3}"#, "null", true, 0x915B_FBD8_D432_8BFE),
      (#"\\p{N}"#, #"{"type": "NFC"}"#, false, 0x7E6B_7D49_DE52_EC24),
    ] as [(String, String, Bool, UInt64)])
  func idsOfOtherPatterns(number: String, normalizer: String, ignoresMerges: Bool, expected: UInt64) throws {
    let pattern =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"# + number
      + #"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#
    var text = try json(Shared.path("data/tokenizers/gpt2-hf/gpt2.tokenizer.json")).serialized()
    for (old, new) in [
      (#""normalizer": null"#, #""normalizer": "# + normalizer),
      (
        #""pre_tokenizer": {"#,
        #""pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated","#
          + #""pattern": {"Regex": ""# + pattern + #""}}, {"type": "ByteLevel", "add_prefix_space": false,"#
          + #""use_regex": false}]}, "unused": {"#
      ),
      (#""model": {"#, #""model": {"ignore_merges": \#(ignoresMerges), "#),
    ] {
      let range = try #require(text.firstRange(of: old), "\(old)")
      text.replaceSubrange(range, with: new)
    }
    try check(try tokenizer(["tokenizer.json": text]), expected)
  }

  private func check(_ tokenizer: Tokenizer, _ expected: UInt64) throws {
    let found = hash { text in
      var ids: [Int32] = []
      tokenizer.encode(utf8: text, addSpecialTokens: false, into: &ids)
      return ids
    }
    #expect(found == expected)
  }
}

/// 64-bit FNV-1a; numbers as little-endian 32 bits.
private struct FNV1a {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func combine(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  mutating func combine(_ number: Int32) {
    for shift in stride(from: 0, to: 32, by: 8) { combine(UInt8(truncatingIfNeeded: number >> Int32(shift))) }
  }
}
