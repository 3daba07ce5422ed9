import Testing

@testable import Tokenization

struct AddedTokenTests {
  private func split(_ text: String, _ tokens: [AddedToken]) -> [String] {
    let bytes = Array(text.utf8)
    var parts: [String] = []
    bytes.withUnsafeBufferPointer { bytes in
      AddedTokenMatcher(tokens).split(
        bytes, text: { parts.append(String(decoding: bytes[$0], as: UTF8.self)) }, token: { parts.append("#\($0)") })
    }
    return parts
  }

  private func token(_ content: String, _ id: Int32) -> AddedToken { AddedToken(content: Array(content.utf8), id: id) }

  @Test func theLeftmostAndLongestIsFound() {
    let tokens = ["<a>", "<a><b>", "<", "b>c", "<a><b><c>"].enumerated().map { token($0.element, Int32($0.offset)) }
    #expect(split("x<a><b><c", tokens) == ["x", "#1", "#2", "c"])
    #expect(split("<a><b><c><a>", tokens) == ["#4", "#0"])
    #expect(split("<a><b>c", tokens) == ["#1", "c"])
    #expect(split("b>cb>", tokens) == ["#3", "b>"])
    #expect(split("nothing", tokens) == ["nothing"])
    #expect(split("", tokens) == [])
    #expect(split("<a>", []) == ["<a>"])
  }

  @Test func sides() {
    var left = token("<l>", 1)
    left.stripsLeft = true
    var right = token("<r>", 2)
    right.stripsRight = true
    #expect(split("a \u{3000}\n<l> b", [left]) == ["a", "#1", " b"])
    #expect(split("a <r> \t b", [right]) == ["a ", "#2", "b"])
    #expect(split("a <r>  <l>b", [left, right]) == ["a ", "#2", "#1", "b"])
    #expect(split("  <l>", [left]) == ["#1"])
    // A token inside the space that another took: what follows it is text once more.
    #expect(split("a<r>\n  \nb", [right, token("  ", 3)]) == ["a", "#2", "#3", "\nb"])
    var spaces = token("  ", 3)
    spaces.stripsRight = true
    #expect(split(String(repeating: " ", count: 100_001), [spaces]).count == 50_000)
  }

  @Test func singleWords() {
    var word = token("is", 1)
    word.isSingleWord = true
    #expect(split("this is", [word]) == ["this ", "#1"])
    #expect(split("is_ isé is.", [word]) == ["is_ isé ", "#1", "."])
    #expect(split("éis is\u{301} ٣is", [word]) == ["éis is\u{301} ٣is"])
  }

  @Test func normalizedTokensComeSecond() throws {
    let added = #"""
      [{"id": 12, "content": "ac", "special": false, "normalized": true},
       {"id": 13, "content": "cb", "special": false, "normalized": false},
       {"id": 14, "content": " c", "special": true, "normalized": false, "lstrip": true}]
      """#
    let tokenizer = try tokenizer(["tokenizer.json": ByteLevelTests.json(added: added)])
    #expect(tokenizer.vocabularySize == 15)
    #expect(tokenizer.encode("acb ac  c", addSpecialTokens: false) == [0, 13, 3, 12, 14])
    #expect(tokenizer.decode([13, 14, 12], skipSpecialTokens: false) == "cb cac")
    #expect(tokenizer.decode([13, 14, 12], skipSpecialTokens: true) == "cbac")
  }

  @Test func tokensOfTheSettings() throws {
    var files = ["vocab.json": ByteLevelTests.vocabulary, "merges.txt": ByteLevelTests.merges]
    files["added_tokens.json"] = #"{"[PAD]": 12}"#
    files["tokenizer_config.json"] = #"""
      {"added_tokens_decoder": {"13": {"content": "<x>", "special": true, "rstrip": true}}, "unk_token": "c"}
      """#
    let tokenizer = try tokenizer(files)
    #expect(tokenizer.vocabularySize == 14)
    #expect(tokenizer.encode("a<x>  [PAD]c", addSpecialTokens: false) == [0, 13, 12, 2])
    // A named token is special.
    #expect(tokenizer.decode([0, 13, 12, 2], skipSpecialTokens: true) == "a[PAD]")
  }

  @Test func conflicts() throws {
    func message(_ added: String) throws -> String {
      try TokenizationTests.message(["tokenizer.json": ByteLevelTests.json(added: added)])
    }
    #expect(try message(#"[{"id": 3, "content": "x"}]"#).contains("id 3 belongs to the tokens 'Ġ' and 'x'"))
    #expect(try message(#"[{"id": 20, "content": "ab"}]"#).contains("'ab' has id 20, but the vocabulary has it as 4"))
    #expect(try message(#"[{"id": 20, "content": "x"}, {"id": 20, "content": "y"}]"#).contains("id 20 belongs to"))
    #expect(try message(#"[{"id": 9000000, "content": "x"}]"#).contains("has id 9000000, expected 0 to"))
    #expect(try message(#"[{"id": -1, "content": "x"}]"#).contains("'added_tokens[0]' holds an object, expected an id"))
    #expect(try message(#"[{"id": 20}]"#).contains("'added_tokens[0].content' holds nothing, expected a string"))
    #expect(try message(#"[{"id": 20, "content": ""}]"#) == "")
  }
}
