import Files

/// A trained GPT-2 tokenizer, ready to be written: single bytes, merged tokens, and `<|endoftext|>` last.
public struct ByteLevelTokenizer: Sendable {
  static let endOfText = "<|endoftext|>"
  /// The 256 bytes and `<|endoftext|>`.
  public static let smallestVocabulary = 257

  /// The bytes of each token but `<|endoftext|>`, by id.
  let tokens: [[UInt8]]
  /// Ids of the two halves of token 256, 257, …
  let merges: [(left: Int, right: Int)]

  public var vocabularySize: Int { tokens.count + 1 }

  /// Trains on a text.
  /// - Throws: `QuickstartError.vocabularyNotReached` if the text repeats itself too little for so many tokens.
  public init(training text: String, vocabularySize: Int) throws(QuickstartError) {
    var trainer = BPETrainer(WordCounter.count(text))
    trainer.train(tokenCount: vocabularySize - 1)
    guard trainer.tokens.count == vocabularySize - 1 else {
      throw .vocabularyNotReached(wanted: vocabularySize, found: trainer.tokens.count + 1)
    }
    tokens = trainer.tokens
    merges = trainer.merges.map { (Int($0.left), Int($0.right)) }
  }

  /// The content of `vocab.json`.
  var vocabulary: JSONObject {
    var object = JSONObject()
    for (id, bytes) in tokens.enumerated() { object[ByteUnicode.text(of: bytes)] = .integer(Int64(id)) }
    object[Self.endOfText] = .integer(Int64(tokens.count))
    return object
  }

  /// The content of `merges.txt`.
  var mergeLines: String {
    let lines = merges.map { "\(ByteUnicode.text(of: tokens[$0.left])) \(ByteUnicode.text(of: tokens[$0.right]))\n" }
    return "#version: 0.2\n" + lines.joined()
  }

  private static let configuration: JSONObject = [
    "tokenizer_class": .string("GPT2Tokenizer"), "bos_token": .string(endOfText), "eos_token": .string(endOfText),
    "unk_token": .string(endOfText), "add_prefix_space": .bool(false),
  ]

  /// Writes `vocab.json`, `merges.txt` and `tokenizer_config.json`.
  /// - Throws: `FileError`.
  public func write(to directory: String) throws {
    func write(_ name: String, _ text: String) throws {
      try AtomicFile.write("\(directory)/\(name)") { try $0.write(text) }
    }
    try write("vocab.json", JSON.object(vocabulary).serialized())
    try write("merges.txt", mergeLines)
    try write("tokenizer_config.json", JSON.object(Self.configuration).serialized(indent: 2) + "\n")
  }
}
