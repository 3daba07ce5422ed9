import Files
import Foundation
import TestSupport
import Testing

@testable import Tokenization

/// Real vocabularies against the reference libraries.
@Suite(.enabled(if: Shared.isAvailable, "needs shared/"))
struct GoldenTests {
  private func tokenizer(_ files: [String: String]) throws -> Tokenizer {
    let directory = try TemporaryDirectory()
    for (name, path) in files { try directory.link(name, to: path) }
    return try Tokenizer.load(directory: directory.path)
  }

  private func gpt2() throws -> Tokenizer {
    try tokenizer(["vocab.json": "data/tokenizers/gpt2/encoder.json", "merges.txt": "data/tokenizers/gpt2/vocab.bpe"])
  }

  private func compare(_ tokenizer: Tokenizer, _ texts: [String], _ expected: [[Int32]]) {
    #expect(texts.count == expected.count && !texts.isEmpty)
    for (text, expected) in zip(texts, expected) {
      let found = tokenizer.encode(text, addSpecialTokens: false)
      #expect(found == expected, "\(text.debugDescription.prefix(200))")
    }
  }

  // MARK: - tokenizers, sentencepiece

  @Test func trickyTexts() throws {
    let golden = try json(Shared.path("goldens/tokenizer-ids.json"))
    let texts = try #require(golden["texts"]?.array).compactMap(\.string)
    #expect(texts.count == 67)
    func expected(_ name: String) throws -> [[Int32]] { try #require(golden[name]?["ids"]?.array).map(ids) }

    compare(try gpt2(), texts, try expected("gpt2"))
    let fast = try tokenizer(["tokenizer.json": "data/tokenizers/gpt2-hf/gpt2.tokenizer.json"])
    compare(fast, texts, try expected("gpt2"))
    compare(
      try tokenizer(["tokenizer.json": "data/tokenizers/openllama-3b-v1/tokenizer.json"]), texts,
      try expected("openllama_hf_fast"))

    let mistral = try tokenizer(["tokenizer.model": "data/tokenizers/mistral-7b-v0.1/tokenizer.model"])
    compare(mistral, texts, try expected("mistral_sentencepiece"))
    let decoded = try #require(golden["mistral_sentencepiece"]?["decoded"]?.array).compactMap(\.string)
    for (ids, text) in zip(try expected("mistral_sentencepiece"), decoded) {
      #expect(Array(mistral.decode(ids, skipSpecialTokens: true).utf8) == Array(text.utf8))
    }
    // GPT-2's tokens hold every byte of the text.
    for (ids, text) in zip(try expected("gpt2"), texts) {
      #expect(Array(fast.decode(ids, skipSpecialTokens: false).utf8) == Array(text.utf8))
    }
  }

  @Test func settingsOfOpenLLaMA() throws {
    let folder = "data/tokenizers/openllama-3b-v1/"
    let names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
    let tokenizer = try tokenizer(Dictionary(uniqueKeysWithValues: names.map { ($0, folder + $0) }))
    #expect(tokenizer.vocabularySize == 32001 && tokenizer.addsBOS)
    // As transformers 5 does: the map names "</s>", the post-processor adds "<s>".
    #expect(tokenizer.bos == 2 && tokenizer.eos == 2)
    #expect(tokenizer.encode("Hello <s> x", addSpecialTokens: true) == [1, 16644, 1, 2574])
  }

  // MARK: - llama.cpp

  private func llamaCpp(_ name: String) throws -> (texts: [String], ids: [[Int32]]) {
    let path = Shared.path("data/tokenizers/llama.cpp/ggml-vocab-\(name).gguf")
    let texts = try String(contentsOfFile: path + ".inp", encoding: .utf8).components(
      separatedBy: "\n__ggml_vocab_test__\n")
    let lines = try String(contentsOfFile: path + ".out", encoding: .utf8).components(separatedBy: "\n")
    return (texts, lines.map { $0.split(separator: " ").compactMap { Int32($0) } })
  }

  @Test func llamaCppTexts() throws {
    let (texts, expected) = try llamaCpp("gpt-2")
    #expect(texts.count == 47)
    compare(try gpt2(), texts, expected)

    // LLaMA 2's pieces are the first 32,000 of Phi-3's; the first three are of other types there.
    let vocabulary = try GGUFVocabulary(path: Shared.path("data/tokenizers/llama.cpp/ggml-vocab-phi-3.gguf"))
    var file = SentencePieceFile()
    file.fallsBackToBytes = true
    file.pieces += try (3..<32000).map {
      (vocabulary.tokens[$0], vocabulary.scores[$0], try #require(.init(rawValue: vocabulary.kinds[$0])))
    }
    let directory = try TemporaryDirectory()
    try directory.write("tokenizer.model", file.bytes)
    let llama = try Tokenizer.load(directory: directory.path)
    for name in ["llama-spm", "phi-3"] {
      let (texts, expected) = try llamaCpp(name)
      #expect(texts.count == 47)
      compare(llama, texts, expected)
    }
  }

  @Test func swiftCoreMLTexts() throws {
    let golden = try json(Shared.path("data/tokenizers/gpt2/encoded_tokens.json"))
    let expected = ids(golden["token_ids"])
    compare(try gpt2(), [try #require(golden["text"]?.string)], [expected])
  }

  // MARK: - lm-evaluation-harness

  @Test(arguments: [
    ("goldens/eval-fixtures/models/gpt2-tiny", "goldens/eval-reference/gpt2-tiny-0shot"),
    ("goldens/eval-fixtures/models/gpt2-tiny-1k", "goldens/eval-reference/gpt2-tiny-1k-5shot"),
    ("goldens/eval-fixtures/models/llama-tiny", "goldens/eval-reference/llama-tiny-0shot"),
    ("goldens/eval-fixtures/models/llama-tiny-1k", "goldens/eval-reference/llama-tiny-1k-5shot"),
    ("goldens/eval-real/models/gpt2-random", "goldens/eval-real/reference/gpt2-random-0shot"),
    ("goldens/eval-real/models/gpt2-random", "goldens/eval-real/reference/gpt2-random-5shot"),
    ("goldens/eval-real/models/stories260K", "goldens/eval-real/reference/stories260K-0shot"),
  ])
  func requests(model: String, run: String) throws {
    let tokenizer = try Tokenizer.load(directory: Shared.path(model))
    #expect(tokenizer.addsBOS == !model.contains("gpt2"))
    var compared = 0
    for document in try jsonLines(Shared.path(run) + "/documents.jsonl") {
      if let text = document["text"]?.string {
        #expect(tokenizer.encode(text, addSpecialTokens: true) == ids(document["token_ids"]))
        compared += 1
      }
      for request in document["requests"]?.array ?? [] {
        let context = try #require(request["context"]?.string)
        let continuation = try #require(request["continuation"]?.string)
        let contextIDs = ids(request["context_ids"])
        var whole = tokenizer.encode(context + continuation, addSpecialTokens: !context.isEmpty)
        if !context.isEmpty { whole.removeFirst(contextIDs.count) }
        #expect(whole == ids(request["continuation_ids"]), "\(continuation.debugDescription)")
        if let last = context.unicodeScalars.last, !last.properties.isWhitespace {
          #expect(tokenizer.encode(context, addSpecialTokens: true) == contextIDs)
        }
        compared += 1
      }
    }
    #expect(compared > 300)
  }

  // MARK: - Trained models

  @Test func storyIDs() throws {
    let golden = try json(Shared.path("goldens/llama2c-models.json"))
    for (name, key) in [("stories260K", "greedy_ids_65"), ("babyllama-tok105", "greedy_ids_120")] {
      let tokenizer = try Tokenizer.load(directory: Shared.path("data/weights/\(name)-hf"))
      let model = try #require(golden[name])
      let greedy = ids(model[key])
      let text = try #require(model["greedy_text"]?.string)
      #expect(tokenizer.decode(greedy, skipSpecialTokens: true) == text)
      let prompt = try #require(model["prompt"]?.string)
      #expect(greedy.starts(with: tokenizer.encode(prompt, addSpecialTokens: true)))
    }
  }

  // MARK: - Corpora

  /// Hashes of the ids that tiktoken 0.14 and sentencepiece 0.2 give, document by document.
  @Test(
    arguments: [
      ("tinyshakespeare.txt", 0xE22F_CD86_8CA9_0167, 0x1F94_C76C_8E29_F107),
      ("wikitext-2/test.txt", 0x60F6_1036_D905_66AF, 0xA6FC_2DD1_BE8F_2F3F),
    ] as [(String, UInt64, UInt64)])
  func corpora(name: String, gpt2Hash: UInt64, mistralHash: UInt64) throws {
    let file = try MappedFile(Shared.path("data/corpora/" + name))
    let mistral = try tokenizer(["tokenizer.model": "data/tokenizers/mistral-7b-v0.1/tokenizer.model"])
    for (tokenizer, expected) in [(try gpt2(), gpt2Hash), (mistral, mistralHash)] {
      var ids: [Int32] = []
      tokenizer.encode(utf8: file.bytes.bindMemory(to: UInt8.self), addSpecialTokens: false, into: &ids)
      #expect(fnv1a(ids) == expected)
      #expect(Array(tokenizer.decode(ids, skipSpecialTokens: true).utf8) == Array(file.bytes))
    }
  }

  /// 64-bit FNV-1a over the ids as little-endian 32-bit numbers.
  private func fnv1a(_ ids: [Int32]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for id in ids {
      for shift in stride(from: 0, to: 32, by: 8) {
        hash = (hash ^ UInt64(UInt32(bitPattern: id) >> UInt32(shift) & 0xFF)) &* 0x100_0000_01B3
      }
    }
    return hash
  }
}
