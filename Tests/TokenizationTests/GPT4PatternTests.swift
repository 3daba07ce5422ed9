import Testing

@testable import Tokenization

struct GPT4PatternTests {
  private func words(_ text: String, longestNumber: Int = 3) -> [String] {
    let pattern = GPT4Pattern(longestNumber: longestNumber)
    return cut(text) { pattern.end(of: $0, in: $1) }
  }

  /// The words are those of `tokenizers` with Llama 3's pattern.
  @Test(arguments: [
    ("Hello world", ["Hello", " world"]),
    ("Hello  world", ["Hello", " ", " world"]),
    ("a\n\nb", ["a", "\n\n", "b"]),
    ("a \n b", ["a", " \n", " b"]),
    ("x.\r\n\r\n  y", ["x", ".\r\n\r\n", " ", " y"]),
    ("a\n  \n  b", ["a", "\n  \n", " ", " b"]),
    ("end   ", ["end", "   "]),
    ("\ttab (x) [y", ["\ttab", " (", "x", ")", " [", "y"]),
    ("(x .y", ["(x", " .", "y"]),
    (
      "I'VE we'LL 'tis don'T 'S '\u{17F}a",
      ["I", "'VE", " we", "'LL", " '", "tis", " don", "'T", " '", "S", " '", "\u{17F}a"]
    ),
    ("a'\u{17F}b", ["a", "'\u{17F}", "b"]),
    ("x1234567½ 89", ["x", "123", "456", "7½", " ", "89"]),
    ("\nabc", ["\n", "abc"]),
    ("\u{A0}abc \u{A0}!", ["\u{A0}abc", " ", "\u{A0}", "!"]),
    ("e\u{301}x", ["e", "\u{301}x"]),
  ])
  func cutsAsThePattern(text: String, expected: [String]) {
    #expect(words(text).map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(words(text))")
  }

  @Test func qwenCutsNumbersApart() {
    #expect(words("12 3½", longestNumber: 1) == ["1", "2", " ", "3", "½"])
  }

  @Test func starCoderCutsDigitsApart() {
    let pattern = StarCoderPattern()
    func words(_ text: String) -> [String] { cut(text) { pattern.end(of: $0, in: $1) } }
    #expect(words("a12 b") == ["a", "1", "2", " b"])
    // White space before a digit stands at the end of its text.
    #expect(words("a   1  b 2\n\n3") == ["a", "   ", "1", " ", " b", " ", "2", "\n\n", "3"])
    #expect(words("x ½\t7 ") == ["x", " ", "½", "\t", "7", " "])
  }
}

/// The words of a text, by a scanner that tells where the one ends that begins at a place.
func cut(_ text: String, _ end: (Int, UnsafeBufferPointer<UInt8>) -> Int) -> [String] {
  Array(text.utf8).withUnsafeBufferPointer { bytes in
    var words: [String] = []
    var start = 0
    while start < bytes.count {
      let end = end(start, bytes)
      words.append(String(decoding: bytes[start..<end], as: UTF8.self))
      start = end
    }
    return words
  }
}
