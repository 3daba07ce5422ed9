import Testing

@testable import Tokenization

struct GPT2PatternTests {
  private func words(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    let pattern = GPT2Pattern()
    return bytes.withUnsafeBufferPointer { bytes in
      var words: [String] = []
      var start = 0
      while start < bytes.count {
        let end = pattern.end(of: start, in: bytes)
        words.append(String(decoding: bytes[start..<end], as: UTF8.self))
        start = end
      }
      return words
    }
  }

  /// The words are those of Python's `regex` module with the pattern of openai/gpt-2.
  @Test(arguments: [
    ("Hello world", ["Hello", " world"]),
    ("Hello  world", ["Hello", " ", " world"]),
    ("a\n\nb", ["a", "\n", "\n", "b"]),
    ("a \n b", ["a", " \n", " b"]),
    ("end   ", ["end", "   "]),
    ("  \u{3000}x", ["  ", "\u{3000}", "x"]),
    ("I've we'll he'd 'tis don't", ["I", "'ve", " we", "'ll", " he", "'d", " '", "tis", " don", "'t"]),
    ("DON'T 'S", ["DON", "'", "T", " '", "S"]),
    ("''s 'rex 'r", ["''", "s", " '", "rex", " '", "r"]),
    ("'rest", ["'re", "st"]),
    ("x1234½", ["x", "1234½"]),
    ("3.5 million!", ["3", ".", "5", " million", "!"]),
    ("naïve café", ["naïve", " café"]),
    ("e\u{301}x", ["e", "\u{301}", "x"]),
    ("日本語 12 ٣", ["日本語", " 12", " ٣"]),
    ("a\u{85}b\u{1C}c", ["a", "\u{85}", "b", "\u{1C}", "c"]),
    (" \u{A0}!", [" ", "\u{A0}", "!"]),
    ("\t\tif", ["\t", "\t", "if"]),
  ])
  func cutsAsThePattern(text: String, expected: [String]) {
    #expect(words(text).map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(words(text))")
  }
}
