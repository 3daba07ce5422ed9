import Files
import Tokenization

/// Between documents: which token, on which side.
public enum DocumentSeparator: String, Sendable, CaseIterable {
  /// The tokenizer's end-of-text token after each document, as nanoGPT does (GPT-2: 50256; LLaMA: 2).
  case append
  /// The tokenizer's beginning-of-text token before each document, as llama2.c does (LLaMA: 1); the end-of-text token where
  /// there is no other (GPT-2: 50256).
  case prepend
  case none

  /// The id, or nil for `.none`.
  func token(of tokenizer: Tokenizer) throws(DatasetError) -> Int32? {
    switch self {
    case .none: return nil
    case .append:
      guard let token = tokenizer.eos else { throw .noSeparatorToken(separator: rawValue) }
      return token
    case .prepend:
      guard let token = tokenizer.bos ?? tokenizer.eos else { throw .noSeparatorToken(separator: rawValue) }
      return token
    }
  }
}

/// Tokenised documents, in the order of the files.
struct TokenizedBatch: Sendable {
  struct Document: Sendable {
    /// Where its tokens end in `tokens`.
    var end: Int
    /// Bytes of its text.
    var textBytes: Int
    /// Documents just before it that were left out: without text, or with nothing but white space.
    var emptyBefore: Int
  }

  /// The tokens of all documents one after the other, separators included.
  var tokens: [Int32] = []
  var documents: [Document] = []
  /// Documents after the last of `documents` that were left out.
  var emptyAtEnd = 0
  var end = InputPosition()
  var consumed = 0
}

/// Text → ids, for one batch of documents. A value that workers share; it keeps nothing between batches.
struct DocumentTokenizer: Sendable {
  let tokenizer: Tokenizer
  let files: [InputFile]
  let textKey: String
  let separator: DocumentSeparator
  let separatorToken: Int32?

  func tokenize(_ batch: RawBatch) throws(DatasetError) -> TokenizedBatch {
    var result = TokenizedBatch()
    result.end = batch.end
    result.consumed = batch.consumed
    result.tokens.reserveCapacity(batch.bytes.count / 3 + batch.documents.count)
    let key = Array(textKey.utf8)
    var text: [UInt8] = []
    for document in batch.documents {
      text.removeAll(keepingCapacity: true)
      let raw = batch.bytes.span.extracting(document.bytes)
      let failure = raw.withUnsafeBufferPointer { raw -> DatasetError? in
        do throws(DatasetError) {
          if files[document.position.file].form == .jsonLines {
            guard !isBlank(raw) else { return nil }
            try read(raw, key: key, at: document.position, into: &text)
            text.withUnsafeBufferPointer { append($0, to: &result) }
          } else {
            if let bad = firstInvalidUTF8(raw) {
              throw .invalidUTF8(location: document.position.location(in: files, byte: bad))
            }
            append(raw, to: &result)
          }
          return nil
        } catch {
          return error
        }
      }
      if let failure { throw failure }
    }
    try check(result, of: batch)
    return result
  }

  private func read(
    _ line: UnsafeBufferPointer<UInt8>, key: [UInt8], at position: InputPosition, into text: inout [UInt8]
  ) throws(DatasetError) {
    do {
      try JSONLine.appendText(key: key, of: line, to: &text)
    } catch {
      let location = position.location(in: files)
      switch error {
      case .malformed(let reason): throw .malformedJSON(location: location, reason: reason)
      case .missing(let found): throw .missingTextKey(location: location, key: textKey, found: found)
      case .notAString(let found): throw .textNotAString(location: location, key: textKey, found: found)
      case .invalidUTF8: throw .invalidUTF8(location: location)
      }
    }
  }

  private func append(_ text: UnsafeBufferPointer<UInt8>, to result: inout TokenizedBatch) {
    guard !isBlank(text) else {
      result.emptyAtEnd += 1
      return
    }
    if separator == .prepend, let separatorToken { result.tokens.append(separatorToken) }
    tokenizer.encode(utf8: text, addSpecialTokens: false, into: &result.tokens)
    if separator == .append, let separatorToken { result.tokens.append(separatorToken) }
    result.documents.append(.init(end: result.tokens.count, textBytes: text.count, emptyBefore: result.emptyAtEnd))
    result.emptyAtEnd = 0
  }

  /// The file's token type is chosen by the vocabulary's size: an id beyond it would be written as another one.
  private func check(_ result: TokenizedBatch, of batch: RawBatch) throws(DatasetError) {
    let size = tokenizer.vocabularySize
    guard let bad = result.tokens.first(where: { $0 < 0 || Int($0) >= size }) else { return }
    throw .tokenOutsideTokenizer(
      location: batch.documents[0].position.location(in: files), token: Int(bad), vocabularySize: size)
  }
}

/// Whether there is nothing but ASCII white space.
func isBlank(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
  text.allSatisfy { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
}
