import Files
import Glibc
import Testing

@testable import Datasets

struct TokenFileTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  @Test func bothTypesAreLittleEndian() throws {
    let narrow = try TokenFile(directory.write("a.bin", [1, 0, 0, 1, 255, 255]))
    #expect(narrow.format == .raw && narrow.count == 3)
    #expect(try narrow[0..<3] == [1, 256, 65_535])
    #expect(try narrow[1..<2] == [256])
    let wide = try TokenFile(directory.write("b.bin", [1, 0, 0, 0, 0, 0, 1, 0]), storage: .uint32)
    #expect(try wide[0..<2] == [1, 65_536])
    #expect(try wide[1..<1] == [])
  }

  @Test func theTypeFitsTheVocabulary() {
    #expect(TokenStorage(vocabularySize: 50_257) == .uint16)
    #expect(TokenStorage(vocabularySize: 65_536) == .uint16)
    #expect(TokenStorage(vocabularySize: 65_537) == .uint32)
  }

  @Test func cutFilesAreErrors() throws {
    let empty = try directory.write("empty.bin", [])
    #expect(error { try TokenFile(empty) } == .emptyTokenFile(path: empty))
    let odd = try directory.write("odd.bin", [1, 2, 3])
    #expect(error { try TokenFile(odd) } == .partialToken(path: odd, bytes: 3, bytesPerToken: 2))
    let six = try directory.write("six.bin", [1, 2, 3, 4, 5, 6])
    #expect(error { try TokenFile(six, storage: .uint32) } == .partialToken(path: six, bytes: 6, bytesPerToken: 4))
    #expect(message { try TokenFile(directory.path + "/none.bin") }.contains("none.bin"))
    #expect(message { try TokenFile(directory.path) } != "no error")
  }

  @Test func aFileThatBecomesShorterIsAnError() throws {
    let path = try directory.tokens("a.bin", 0..<5000)
    let file = try TokenFile(path)
    #expect(try file[4000..<4002] == [4000, 4001])
    #expect(truncate(path, 100) == 0)
    #expect(throws: FileError.changed(path: path)) { try file[4000..<4002] }
    #expect(throws: FileError.changed(path: path)) { try file.validate(vocabularySize: 5000) }
  }

  /// Ids are searched in blocks of 8192: a bad one must be found at either side of their edges.
  @Test(arguments: [0, 8191, 8192, 20_000, 20_003])
  func idsOutsideTheVocabularyAreFound(position: Int) throws {
    var ids = [Int](repeating: 99, count: 20_004)
    ids[position] = 100
    let file = try TokenFile(directory.tokens("a.bin", ids))
    try file.validate(vocabularySize: 101)
    #expect(
      error { try file.validate(vocabularySize: 100) }
        == .tokenOutsideVocabulary(path: file.path, position: position, token: 100, vocabularySize: 100))
  }

  @Test func idsThatNoVocabularyHasAreFound() throws {
    let wide = try TokenFile(directory.write("a.bin", [9, 0, 0, 0, 0, 0, 0, 0x80]), storage: .uint32)
    #expect(
      error { try wide.validate(vocabularySize: 1 << 40) }
        == .tokenOutsideVocabulary(path: wide.path, position: 1, token: 1 << 31, vocabularySize: 1 << 40))
    #expect(
      error { try wide.validate(vocabularySize: 9) }
        == .tokenOutsideVocabulary(path: wide.path, position: 0, token: 9, vocabularySize: 9))
    let narrow = try TokenFile(directory.write("b.bin", [255, 255]))
    try narrow.validate(vocabularySize: 65_536)
    #expect(error { try narrow.validate(vocabularySize: 65_535) } != nil)
  }

  @Test func aSourceChecksAllItsFiles() throws {
    let good = try TokenFile(directory.tokens("a.bin", 0..<10))
    let bad = try TokenFile(directory.tokens("b.bin", 5..<15))
    let source = TokenSource(name: "both", files: [good, bad])
    #expect(source.tokens == 20)
    try source.validate(vocabularySize: 15)
    #expect(
      error { try source.validate(vocabularySize: 12) }
        == .tokenOutsideVocabulary(path: bad.path, position: 7, token: 12, vocabularySize: 12))
  }
}
