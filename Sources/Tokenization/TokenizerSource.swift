/// What a vocabulary's files say, before the settings beside them are applied.
struct TokenizerSource {
  let tokens: TokenList
  /// What each id is decoded to.
  var texts: [[UInt8]]
  /// What an added token without a place among `tokens` is decoded to.
  var textOfAdded: @Sendable ([UInt8]) -> [UInt8]
  var model: BytePairModel
  var preparation: TextPreparation
  var added: [AddedToken] = []
  /// Added tokens with `normalized` are looked for in prepared text, as in tokenizer.json; otherwise in text as it
  /// comes.
  var honorsNormalized = true
  /// Tokens that are looked for in prepared text; their contents are prepared already.
  var addedToPrepared: [AddedToken] = []
  /// Ids that may be left out of decoded text, beside the special ones among `added`.
  var special: [Int32] = []
  var dropsFirstSpace = false
  /// What stands around a text; nil if the files do not say.
  var template: (prefix: [Int32], suffix: [Int32])?
  /// BOS stands in front of a text if nothing says otherwise.
  var addsBOS = false
  /// The tokens at the ends of a text where no settings name them.
  var bos: Int32?
  var eos: Int32?
  /// See `Tokenizer.warnings`.
  var warnings: [String] = []

  init(
    tokens: TokenList, texts: [[UInt8]], textOfAdded: @escaping @Sendable ([UInt8]) -> [UInt8], model: BytePairModel,
    preparation: TextPreparation
  ) {
    self.tokens = tokens
    self.texts = texts
    self.textOfAdded = textOfAdded
    self.model = model
    self.preparation = preparation
  }

  /// Text in the alphabet of bytes becomes those bytes; other text stays as it is.
  static let byteLevelText: @Sendable ([UInt8]) -> [UInt8] = { ByteAlphabet.bytes(of: $0) ?? $0 }

  static let sameText: @Sendable ([UInt8]) -> [UInt8] = { $0 }

  /// "▁" becomes a space.
  static let metaspaceText: @Sendable ([UInt8]) -> [UInt8] = { text in
    let metaspace = Array("▁".utf8)
    guard text.contains(metaspace[0]) else { return text }
    var result: [UInt8] = []
    var rest = text[...]
    while let byte = rest.first {
      let isMetaspace = rest.starts(with: metaspace)
      result.append(isMetaspace ? UInt8(ascii: " ") : byte)
      rest = rest.dropFirst(isMetaspace ? metaspace.count : 1)
    }
    return result
  }
}
