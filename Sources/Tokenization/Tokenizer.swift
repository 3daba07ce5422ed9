/// Text to token ids and back, as the tokenizer in a model's directory does it.
///
/// A value that threads share: encoding keeps its buffers and its cache of words in a pool, one set for each thread at
/// work.
public struct Tokenizer: Sendable {
  /// The largest id, added tokens included, plus one.
  public var vocabularySize: Int { vocabulary.count }
  /// The token that begins a text; nil if there is none.
  public let bos: Int32?
  /// The token that ends a text; nil if there is none.
  public let eos: Int32?
  /// Encoding with special tokens puts some in front.
  public var addsBOS: Bool { !encoder.prefix.isEmpty }
  /// Paths of the tokenizer's files, to hash and to copy.
  public let files: [String]
  /// What may be wrong with those files: a line each that names the file and says what to do.
  public let warnings: [String]

  private let encoder: TextEncoder
  private let vocabulary: Vocabulary

  init(
    encoder: TextEncoder, vocabulary: Vocabulary, bos: Int32?, eos: Int32?, files: [String], warnings: [String]
  ) {
    self.encoder = encoder
    self.vocabulary = vocabulary
    self.bos = bos
    self.eos = eos
    self.files = files
    self.warnings = warnings
  }

  /// The ids of a text.
  /// - Parameter addSpecialTokens: put BOS in front and EOS behind, as far as the tokenizer does so.
  public func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
    var text = text
    var ids: [Int32] = []
    text.withUTF8 { encode(utf8: $0, addSpecialTokens: addSpecialTokens, into: &ids) }
    return ids
  }

  /// Appends the ids of a text of less than 2 GiB. In the long run nothing is allocated but for `ids`.
  ///
  /// Text that is not UTF-8 is no error: a byte that is part of no character is a character of its own.
  public func encode(utf8: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool, into ids: inout [Int32]) {
    if addSpecialTokens { ids += encoder.prefix }
    encoder.encode(utf8, at: .start, into: &ids)
    if addSpecialTokens { ids += encoder.suffix }
  }

  /// Appends the ids of the rest of a text that was cut at `lastCut(in:)`.
  public func encodeContinuation(utf8: UnsafeBufferPointer<UInt8>, into ids: inout [Int32]) {
    encoder.encode(utf8, at: .continuation, into: &ids)
  }

  /// The last place at which a text may be cut: the ids of what is before it, and those of `encodeContinuation` for the
  /// rest, are the ids of the whole, whatever follows the text.
  /// - Returns: above 0 and below `text.count`; nil if no such place is known.
  public func lastCut(in text: UnsafeBufferPointer<UInt8>) -> Int? { encoder.cuts.last(in: text) }

  /// The text of ids. What is not UTF-8 becomes U+FFFD, see `TokenDecoder`.
  /// - Parameter skipSpecialTokens: leave BOS, EOS and their like out.
  public func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
    var decoder = decoder(skipSpecialTokens: skipSpecialTokens)
    return decoder.decode(ids)
  }

  /// For ids that come one by one.
  public func decoder(skipSpecialTokens: Bool) -> TokenDecoder {
    TokenDecoder(vocabulary, skipSpecialTokens: skipSpecialTokens)
  }
}
