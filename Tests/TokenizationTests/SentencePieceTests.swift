import Testing

@testable import Tokenization

/// SentencePiece models made here. The expected ids are those of the sentencepiece library, 0.2, for the same bytes.
struct SentencePieceTests {
  private func tokenizer(_ file: SentencePieceFile, _ files: [String: String] = [:]) throws -> Tokenizer {
    let directory = try TemporaryDirectory()
    try directory.write("tokenizer.model", file.bytes)
    for (name, text) in files { try directory.write(name, text) }
    return try Tokenizer.load(directory: directory.path)
  }

  private func ids(_ text: String, _ file: SentencePieceFile, _ files: [String: String] = [:]) throws -> [Int32] {
    try tokenizer(file, files).encode(text, addSpecialTokens: false)
  }

  /// Ids from 3: "▁a" "ab" "▁▁" "▁" "a" "b".
  private var small: SentencePieceFile {
    var file = SentencePieceFile()
    file.add(["▁a", "ab", "▁▁", "▁", "a", "b"])
    return file
  }

  @Test func theHighestScoreIsMergedFirst() throws {
    let tokenizer = try tokenizer(small)
    #expect(tokenizer.vocabularySize == 9)
    #expect(tokenizer.bos == 1 && tokenizer.eos == 2 && tokenizer.addsBOS)
    #expect(tokenizer.encode("ab bab", addSpecialTokens: true) == [1, 3, 8, 6, 8, 4])
    #expect(tokenizer.encode("a", addSpecialTokens: false) == [3])
    #expect(tokenizer.encode("", addSpecialTokens: true) == [1])
    #expect(tokenizer.encode("  a", addSpecialTokens: false) == [5, 3])
    #expect(tokenizer.decode([1, 3, 8, 6, 8, 4, 2], skipSpecialTokens: true) == "ab bab")
    // Control and unknown pieces are not text.
    #expect(tokenizer.encode("<s>", addSpecialTokens: false) == [6, 0])
  }

  @Test func spaces() throws {
    var file = small
    file.addsSpaceInFront = false
    #expect(try ids("a  a", file) == [7, 6, 3])
    #expect(try tokenizer(file).decode([3], skipSpecialTokens: true) == " a")
    file = small
    file.removesExtraSpaces = true
    #expect(try ids("  a   b  ", file) == [3, 6, 8])
    #expect(try ids("    ", file) == [])
    #expect(try ids("a ▁b", file) == [3, 5, 8])
  }

  @Test func unknownCharactersAreOneToken() throws {
    #expect(try ids("xyaéb", small) == [6, 0, 7, 0, 8])
    var file = small
    file.addBytes()
    let tokenizer = try tokenizer(file)
    let e = Int32(9)
    #expect(tokenizer.encode("aé<0x41>", addSpecialTokens: false).prefix(4) == [3, e + 0xC3, e + 0xA9, e + 0x3C])
    #expect(
      tokenizer.decode(tokenizer.encode("aé<0x41>\n", addSpecialTokens: true), skipSpecialTokens: true) == "aé<0x41>\n")
  }

  @Test func equalScoresGoFromTheLeft() throws {
    var file = SentencePieceFile()
    file.pieces += [("▁", 0, .normal), ("a", 0, .normal), ("b", 0, .normal), ("c", 0, .normal)]
    file.pieces += [("ab", -1, .normal), ("bc", -1, .normal), ("ca", -1, .normal)]
    #expect(try ids("abcabc", file) == [3, 7, 9, 8])
  }

  /// "c" is in a piece but is none itself: it can merge, and is unknown where it does not.
  @Test func charactersThatArePartsOnly() throws {
    var file = SentencePieceFile()
    file.add(["▁", "a", "ac", "cc"])
    #expect(try ids("acccc", file) == [3, 5, 6, 0])
    file.addBytes()
    #expect(try ids("cac", file) == [3, 7 + 0x63, 5])
  }

  @Test func userDefinedPiecesAreCutOutFirst() throws {
    var file = small
    file.pieces += [("ba", 0, .userDefined), ("▁▁▁", 0, .userDefined)]
    #expect(try ids("abab", file) == [3, 9, 8])
    #expect(try ids("b   a", file) == [6, 8, 10, 7])
    #expect(try tokenizer(file).decode([3, 9, 10], skipSpecialTokens: true) == "aba   ")
  }

  @Test func settings() throws {
    let roles = #""bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>""#
    // Named tokens are found in text, which is encoded on its own on each side.
    #expect(try ids("a<unk>a", small, ["tokenizer_config.json": "{\(roles)}"]) == [3, 0, 3])
    #expect(try ids("a<unk>a", small, ["tokenizer_config.json": #"{"legacy": false, \#(roles)}"#]) == [3, 0, 7])
    #expect(try ids("a", small, ["tokenizer_config.json": #"{"add_prefix_space": false}"#]) == [7])
    let quiet = try tokenizer(small, ["tokenizer_config.json": #"{"add_bos_token": false, "add_eos_token": true}"#])
    #expect(!quiet.addsBOS && quiet.encode("a", addSpecialTokens: true) == [3, 2])
  }

  /// The pieces are the model's; added tokens, BOS and the treatment of spaces the other file's.
  @Test func aTokenizerFileBesideTheModel() throws {
    let added =
      #"[{"id": 0, "content": "<unk>", "special": true}, {"id": 9, "content": "<x>", "special": false, "normalized": true}]"#
    let prepend = CharacterLevelTests.json(added: added, normalizer: CharacterLevelTests.prepend)
    let both = try tokenizer(small, ["tokenizer.json": prepend])
    #expect(both.vocabularySize == 10)
    #expect(both.encode(" ab<unk>ab<x>", addSpecialTokens: true) == [1, 6, 3, 8, 0, 3, 8, 9])
    let metaspace = CharacterLevelTests.json(added: added, preTokenizer: CharacterLevelTests.metaspace("first"))
    #expect(try ids(" ab<unk>ab", small, ["tokenizer.json": metaspace]) == [3, 8, 0, 4])
    // What this module does not have, the model says itself.
    let regex = CharacterLevelTests.json(
      normalizer: #"{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}"#)
    #expect(try ids(" ab", small, ["tokenizer.json": regex]) == [6, 3, 8])
    // What a conversion cannot say, too.
    var file = small
    file.removesExtraSpaces = true
    #expect(try ids("  a  a ", file, ["tokenizer.json": prepend]) == [3, 3])
    // A byte-level file beside a tokenizer.model that is something else.
    let directory = try TemporaryDirectory()
    try directory.write("tokenizer.model", "IQ== 0\n")
    try directory.write("tokenizer.json", ByteLevelTests.json())
    #expect(try Tokenizer.load(directory: directory.path).encode("abc", addSpecialTokens: true) == [6])
  }

  @Test func whatIsWrongIsNamed() throws {
    func message(_ change: (inout SentencePieceFile) -> Void) throws -> String {
      var file = small
      change(&file)
      do { _ = try tokenizer(file) } catch let error as TokenizationError { return "\(error)" }
      return ""
    }
    #expect(
      try message { $0.modelType = 1 }.contains("SentencePiece model type Unigram is not supported; supported: BPE"))
    #expect(try message { $0.pieces.append(("x", 0, .unused)) }.contains("piece 9 is of type 5"))
    #expect(try message { $0.pieces.append(("a", 0, .normal)) }.contains("pieces 7 and 9 are both 'a'"))
    #expect(try message { $0.pieces.append(("", 0, .normal)) }.contains("piece 9 is empty"))
    #expect(try message { $0.pieces.append(("x", .nan, .normal)) }.contains("the score of piece 9 is not a number"))
    #expect(
      try message { $0.pieces.append(("u", 0, .unknown)) }.contains("pieces 0 and 9 are both of the type UNKNOWN"))
    #expect(try message { $0.pieces.removeFirst() }.contains("no piece of the type UNKNOWN"))
    #expect(try message { $0.fallsBackToBytes = true }.contains("0 pieces of the type BYTE, expected 256"))
    #expect(try message { $0.pieces.append(("<0x41>", 0, .byte)) }.contains("1 pieces of the type BYTE, expected 0"))
    #expect(
      try message { $0.pieces.append((String(repeating: "x", count: 2000), 0, .normal)) }.contains(
        "piece 9 has 2000 bytes"))
  }

  /// Cut anywhere, the file is refused or, between two fields, a smaller model; never more.
  @Test func everyPrefixIsRefusedOrRead() throws {
    let bytes = small.bytes
    let directory = try TemporaryDirectory()
    var refused = 0
    for count in 0..<bytes.count {
      try directory.write("tokenizer.model", bytes[..<count])
      if let message = failure(ofLoading: directory.path) {
        refused += 1
        #expect(message.contains("tokenizer.model: "), "\(message)")
      }
    }
    #expect(refused > bytes.count * 8 / 10)
  }
}
