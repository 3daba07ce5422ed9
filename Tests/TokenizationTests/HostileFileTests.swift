import Files
import Foundation
import TestSupport
import Testing

@testable import Tokenization

/// Malformed files are refused with one line that names them.
struct HostileFileTests {
  @Test(.enabled(if: Shared.isAvailable, "needs shared/"))
  func theCollection() throws {
    let manifest = try json(Shared.path("goldens/hostile/manifest.json"))
    var seen = 0
    for entry in try #require(manifest.array) {
      guard let name = entry["dir"]?.string, let kind = entry["kind"]?.string, kind.hasPrefix("tokenizer.") else {
        continue
      }
      seen += 1
      let message = failure(ofLoading: Shared.path("goldens/hostile/" + name))
      switch entry["expected"]?.string {
      case "error": #expect(message != nil, "\(name): \(entry["wrong"]?.string ?? "")")
      case "ok": #expect(message == nil, "\(name)")
      default: break
      }
      if let message {
        #expect(message.contains("/\(name)/\(kind)") && !message.contains("\n"), "\(message)")
      }
    }
    #expect(seen == 40)
  }

  @Test func missingFiles() throws {
    let directory = try TemporaryDirectory()
    #expect(
      failure(ofLoading: directory.path)?.contains("no tokenizer here; expected tokenizer.model, tokenizer.json")
        == true)
    #expect(failure(ofLoading: directory.path + "/absent")?.contains("no such file or directory") == true)
    try directory.write("vocab.json", ByteLevelTests.vocabulary)
    #expect(failure(ofLoading: directory.path)?.contains("no tokenizer here") == true)
    try FileManager.default.createDirectory(
      atPath: directory.path + "/tokenizer.json", withIntermediateDirectories: false)
    #expect(failure(ofLoading: directory.path)?.contains("tokenizer.json: a directory") == true)
  }

  @Test(arguments: [
    ("a b c", "merges.txt, line 1: expected two tokens"), ("a b\nab", "merges.txt, line 2: expected two tokens"),
    ("a  b", "line 1: expected two tokens"), ("a z", "merge 0 needs the token 'z'"),
    ("b a", "merge 0 needs the token 'ba'"),
  ])
  func merges(text: String, expected: String) throws {
    let found = try message(["vocab.json": ByteLevelTests.vocabulary, "merges.txt": text])
    #expect(found.contains(expected), "\(found)")
  }

  @Test func lineEndsOfWindows() throws {
    let merges = ByteLevelTests.merges.replacingOccurrences(of: "\n", with: "\r\n")
    let tokenizer = try tokenizer(["vocab.json": ByteLevelTests.vocabulary, "merges.txt": merges])
    #expect(tokenizer.encode("abc", addSpecialTokens: false) == [6])
  }

  @Test(arguments: [
    (#"{"a": 0, "b": 0}"#, "id 0 belongs to the tokens 'a' and 'b'"),
    (#"{"a": 1e3}"#, "'a' holds 1000.0, expected a whole number"),
    (#"{"a": 70000000}"#, "has id 70000000, expected 0 to 65539"), ("[1]", "the file holds a list, expected an object"),
    (#"{"a": -1}"#, "has id -1, expected 0 to"), (#"{"a"#, "not JSON: "), ("", "not JSON: "),
  ])
  func vocabularies(text: String, expected: String) throws {
    let found = try message(["vocab.json": text, "merges.txt": ""])
    #expect(found.contains("vocab.json: ") && found.contains(expected), "\(found)")
  }

  /// Keys that Swift's strings hold for equal are different tokens.
  @Test func canonicallyEquivalentTokensAreTwo() throws {
    let json = CharacterLevelTests.json(
      vocabulary: ", \"\u{E9}\": 9, \"e\u{301}\": 10, \"\u{212A}\": 11, \"K\": 12, \"e\": 13, \"\u{301}\": 14",
      merges: ", [\"e\", \"\u{301}\"]")
    let tokenizer = try tokenizer(["tokenizer.json": json])
    #expect(tokenizer.encode("\u{E9}e\u{301}K\u{212A}", addSpecialTokens: false) == [9, 10, 12, 11])
  }

  /// Every byte of a model changed to others: the file is read or refused, and a tokenizer that was read works.
  @Test func changedBytes() throws {
    var file = SentencePieceFile()
    file.add(["▁a", "ab", "▁", "a", "b"])
    let directory = try TemporaryDirectory()
    for position in file.bytes.indices {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var bytes = file.bytes
        bytes[position] = value
        try directory.write("tokenizer.model", bytes)
        do {
          let tokenizer = try Tokenizer.load(directory: directory.path)
          let ids = tokenizer.encode("ab aab é", addSpecialTokens: true)
          #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
        } catch is TokenizationError {}
      }
    }
  }
}
