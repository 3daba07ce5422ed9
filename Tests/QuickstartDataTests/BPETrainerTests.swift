import Files
import TestSupport
import Testing

@testable import QuickstartData

@Suite struct BPETrainerTests {
  @Test func mostFrequentPairFirst() throws {
    // "hug" ×10, "pug" ×5, "pun" ×12, "bun" ×4, "hugs" ×5: the example of Hugging Face's course, whose first merges are
    // u+g (20), u+n (16), h+ug (15).
    var trainer = BPETrainer([
      Array("hug".utf8): 10, Array("pug".utf8): 5, Array("pun".utf8): 12, Array("bun".utf8): 4, Array("hugs".utf8): 5,
    ])
    trainer.train(tokenCount: 259)
    #expect(trainer.tokens[256...].map { String(decoding: $0, as: UTF8.self) } == ["ug", "un", "hug"])
  }

  @Test func equallyFrequentPairsInOrderOfBytes() {
    var trainer = BPETrainer([Array("ab".utf8): 3, Array("zc".utf8): 3, Array("zb".utf8): 3])
    trainer.train(tokenCount: 259)
    #expect(trainer.tokens[256...].map { String(decoding: $0, as: UTF8.self) } == ["zc", "zb", "ab"])
  }

  @Test func stopsWhenNothingRepeats() throws {
    var trainer = BPETrainer([Array("aaaa".utf8): 1])
    trainer.train(tokenCount: 1000)
    #expect(trainer.tokens.dropFirst(256) == [Array("aa".utf8)])
    #expect(throws: QuickstartError.vocabularyNotReached(wanted: 300, found: 257)) {
      try ByteLevelTokenizer(training: "abc", vocabularySize: 300)
    }
  }

  @Test func wordsAsGPT2CutsThem() {
    let text = "I'm  here, don't you'll\n\n see 42 \u{e9}t\u{e9}s \u{4f60}!?\t x "
    let words = WordCounter.count(text)
    let expected = [
      "I", "'m", " ", " here", ",", " don", "'t", " you", "'ll", "\n\n", " see", " 42", " \u{e9}t\u{e9}s", " \u{4f60}",
      "!?", "\t", " x",
    ]
    for word in expected { #expect(words[Array(word.utf8)] != nil, "\(word) in \(words.keys)") }
    #expect(words.values.reduce(0, +) == expected.count + 1)
    #expect(words[Array(" ".utf8)] == 2)
  }

  @Test(.enabled(if: Shared.isAvailable)) func referenceMerges() throws {
    let corpus = try MappedFile(Shared.path("data/tokenizers/cs336/corpus.en")).text
    let expected = try MappedFile(Shared.path("data/tokenizers/cs336/train-bpe-reference-merges.txt")).text
    let tokenizer = try ByteLevelTokenizer(training: corpus, vocabularySize: 500)
    let lines = tokenizer.mergeLines.split(separator: "\n").dropFirst()
    let wanted = expected.split(separator: "\n")
    #expect(lines.count == 243 && wanted.count == 243)
    #expect(Array(lines) == wanted)
  }

  @Test func vocabularyFile() throws {
    let tokenizer = try ByteLevelTokenizer(training: "the theme of the thesis", vocabularySize: 260)
    let vocabulary = tokenizer.vocabulary
    #expect(tokenizer.vocabularySize == 260 && vocabulary.count == 260)
    #expect(vocabulary["!"]?.integer == 0)  // GPT-2's first ids are the printable bytes
    #expect(vocabulary["\u{120}"]?.integer == 220)  // blank, as in GPT-2's own vocabulary
    #expect(vocabulary["th"]?.integer == 256)
    #expect(vocabulary["<|endoftext|>"]?.integer == 259)
    #expect(tokenizer.mergeLines.hasPrefix("#version: 0.2\nt h\nth e\n"))
  }
}
