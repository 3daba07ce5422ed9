import Testing
import Tokenization

@testable import QuickstartData

@Suite struct TokenizerFilesTests {
  @Test func tokenizerLoadsAndRoundTrips() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/data"
    let corpus = Corpus.stories(seed: 3, bytes: 300_000, questions: 10)
    try corpus.write(to: path, vocabularySize: 600)
    let tokenizer = try Tokenizer.load(directory: path + "/tokenizer")
    #expect(tokenizer.vocabularySize == 600 && tokenizer.eos == 599)
    let text = String(corpus.heldOut.prefix(5000)) + "\u{e9}\u{4f60}\u{1f600}"
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    #expect(tokenizer.decode(ids, skipSpecialTokens: false) == text)
    // Merges are in use: the words of the stories are single tokens.
    #expect(ids.count < text.utf8.count / 3)
  }
}
