import Templates
import Testing

/// Every expectation was computed with CPython 3.11.
struct PythonStringTests {
  @Test func lengthCountsCodePoints() {
    #expect(PythonString.length("e\u{301}\r\n👨‍👩‍👧") == 9)
    #expect(PythonString.length("") == 0)
  }

  @Test func equalityIsNotCanonicalEquivalence() {
    #expect("é" == "e\u{301}")
    #expect(!PythonString.equal("é", "e\u{301}"))
    #expect(PythonString.equal("é", "é"))
  }

  @Test func stripTakesUnicodeWhitespace() {
    #expect(PythonString.strip("\u{1C}\u{85}\u{A0}\u{2028}\u{3000}\r\n a b \t\u{1F}") == "a b")
    #expect(PythonString.strip("\u{200B}a\u{FEFF}") == "\u{200B}a\u{FEFF}")
    #expect(PythonString.strip(" \n ") == "")
    #expect(PythonString.stripLeading(" a ") == "a ")
    let (stripped, space) = PythonString.splitTrailingSpace("because of \u{A0}\r\n")
    #expect(stripped == "because of")
    #expect(space.unicodeScalars.elementsEqual(" \u{A0}\r\n".unicodeScalars))
  }

  @Test func splitOnOneBlankKeepsEmptyPieces() {
    #expect(PythonString.split("a  b\u{A0}c ", on: " ") == ["a", "", "b\u{A0}c", ""])
    #expect(PythonString.split("", on: " ") == [""])
    #expect(PythonString.split("one\r\n two", on: " ").count == 2)
  }

  @Test(arguments: [
    ("", 1), ("word", 1), ("two words", 2), (" = Title = \n\n text \n ", 6), ("a\u{2003}\u{A0}b", 2), ("   ", 2),
  ])
  func wordsCountEmptyPieces(text: String, words: Int) {
    #expect(PythonString.countWords(text) == words)
  }

  @Test(arguments: [
    ("a    b", "  ", " ", "a  b"), ("a   b", "  ", " ", "a  b"), ("aaa", "aa", "b", "ba"), ("", "x", "y", ""),
    ("straße ß", "ß", "ss", "strasse ss"), ("a @-@ b @-@ c", " @-@ ", "-", "a-b-c"), (" , , ", " , ", ", ", ", , "),
    ("e\u{301}", "e", "x", "x\u{301}"), ("a\r\nb", "\n", "|", "a\r|b"),
  ])
  func replaceGoesOnceFromTheLeft(text: String, old: String, new: String, expected: String) {
    #expect(PythonString.equal(PythonString.replace(text, old, with: new), expected))
  }

  @Test(arguments: [
    ("hELLO World", "Hello world"), ("ßtRASSE", "Sstrasse"), ("ǆABC", "ǅabc"), ("", ""), ("éCOLE", "École"),
    ("ΑΣ ΣΑΣ ΑΣ.", "Ας σας ας."), ("ΣΑ", "Σα"), ("ﬁX", "Fix"), ("1ABC", "1abc"), ("İİ", "İi\u{307}"),
  ])
  func capitalizeLowersTheTail(text: String, expected: String) {
    #expect(PythonString.equal(PythonString.capitalize(text), expected))
  }

  @Test(arguments: [
    ("( a )", "(a)"), ("(  )", "()"), ("( a ( b ) c )", "(a ( b) c )"), ("( a", "( a"), ("a ) ( b\n )", "a ) (b)"),
    ("(a b)(\u{A0}c )", "(a b)(c)"), ("", ""),
  ])
  func blanksInsideAPairGo(text: String, expected: String) {
    #expect(PythonString.equal(PythonString.trimInside(text, open: "(", close: ")"), expected))
  }

  @Test func quotesPairFromTheLeft() {
    #expect(PythonString.trimInside("\" a \" b \" c \" d \" e", open: "\"", close: "\"") == "\"a\" b \"c\" d \" e")
  }

  @Test(arguments: [
    ("[substeps] Wait", " Wait"), ("a [b] c [d]", "a  c "), ("a [b\nc] d", "a [b\nc] d"), ("[[x]] y", "] y"),
    ("[a [b\n] [c]", "[a [b\n] "), ("[]", ""), ("[", "["),
  ])
  func bracketsGoWithinALine(text: String, expected: String) {
    #expect(PythonString.equal(PythonString.removeBracketed(text), expected))
  }
}
