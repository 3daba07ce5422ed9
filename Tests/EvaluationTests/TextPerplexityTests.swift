import Glibc
import Testing
import Tokenization

@testable import Evaluation

struct TextPerplexityTests {
  @Test func sumsOverFiles() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.txt", "some words here\n")
    try folder.write("b.txt", String(repeating: "é x ", count: 30))
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    let scorer = ToyScorer(contextLength: 16)
    let paths = ["a.txt", "b.txt"].map { folder.path + "/" + $0 }
    let result = try TextPerplexity.measure(paths, encoder: encoder, scorer: scorer)
    #expect(result.files.map(\.bytes) == [16, 150])
    #expect(result.files.map(\.tokens) == [16, 150])
    #expect(result.files.map(\.words) == [4, 61])
    #expect(result.files.map(\.windows) == [1, 10])
    #expect(scorer.calls == 1)
    for file in result.files {
      #expect(file.bytePerplexity == exp(-file.logLikelihood / Double(file.bytes)))
      #expect(abs(exp(file.bitsPerByte * log(2)) - file.bytePerplexity) < 1e-9)
    }
    #expect(result.total.logLikelihood == result.files[0].logLikelihood + result.files[1].logLikelihood)
    #expect(result.total.tokens == 166)
    #expect(result.total.loss == -result.total.logLikelihood / 166)
    let alone = try TextPerplexity.measure([paths[1]], encoder: encoder, scorer: ToyScorer(contextLength: 16))
    #expect(alone.total.logLikelihood == result.files[1].logLikelihood)
  }

  @Test func textsThatCannotBeScoredAreNamed() throws {
    let folder = try TemporaryFolder()
    try folder.write("empty.txt", "")
    let encoder = try RequestEncoder(tokenizer: ByteTokenizer.make())
    func message(_ name: String) -> String {
      do {
        _ = try TextPerplexity.measure([folder.path + "/" + name], encoder: encoder, scorer: ToyScorer())
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(message("empty.txt") == "\(folder.path)/empty.txt: the text is empty, so it has no perplexity")
    let file = try #require(fopen(folder.path + "/bad.txt", "w"))
    let bytes: [UInt8] = [0x61, 0xC3, 0xA9, 0xFF, 0x62]
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    fclose(file)
    #expect(message("bad.txt").contains("not UTF-8 at byte 3"))
    #expect(message("absent.txt").contains("absent.txt"))
  }
}
