import Files
import Tokenization

/// Text → ids, for one batch of documents. A value that workers share; it keeps nothing between batches.
struct DocumentTokenizer: Sendable {
  /// A longer text is tokenised in stretches of this size (bytes), so that the tokenizer's buffers stay small.
  private static let stretch = 1 << 20

  let tokenizer: Tokenizer
  let files: [InputFile]
  let textKey: String
  let separator: DocumentSeparator
  let separatorToken: Int32?
  let filter: DocumentFilter
  /// Whether `TokenizedBatch.Piece.hash` is wanted.
  let hashesText: Bool

  func tokenize(_ batch: RawBatch) throws(DatasetError) -> TokenizedBatch {
    var result = TokenizedBatch()
    result.end = batch.end
    result.consumed = batch.consumed
    result.pieces.reserveCapacity(batch.pieces.count)
    result.tokens.reserveCapacity(batch.bytes.count / 3 + 2 * batch.pieces.count)
    let key = Array(textKey.utf8)
    var text: [UInt8] = []
    for (index, piece) in batch.pieces.enumerated() {
      let failure = batch.bytes.withUnsafeBufferPointer { bytes -> DatasetError? in
        do throws(DatasetError) {
          if let failure = piece.failure { throw failure }
          let raw = UnsafeBufferPointer(rebasing: bytes[piece.bytes])
          if files[piece.position.file].form == .jsonLines {
            text.removeAll(keepingCapacity: true)
            try read(raw, key: key, at: piece.position, into: &text)
            text.withUnsafeBufferPointer { append($0, of: piece, to: &result) }
          } else {
            if let bad = firstInvalidUTF8(raw) {
              throw .invalidUTF8(location: piece.position.location(in: files, byte: bad))
            }
            append(raw, of: piece, to: &result)
          }
          return nil
        } catch {
          return error
        }
      }
      if let failure {
        result.failures[index] = failure
        result.pieces.append(DocumentTokenizer.empty(piece, end: result.tokens.count))
      }
    }
    try check(result, of: batch)
    return result
  }

  private static func empty(_ piece: RawBatch.Piece, end: Int) -> TokenizedBatch.Piece {
    TokenizedBatch.Piece(
      end: end, position: piece.position, isFirst: piece.isFirst, isLast: piece.isLast, textBytes: 0, isBlank: true,
      hash: piece.hash)
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

  private func append(
    _ text: UnsafeBufferPointer<UInt8>, of piece: RawBatch.Piece, to result: inout TokenizedBatch
  ) {
    var done = DocumentTokenizer.empty(piece, end: result.tokens.count)
    done.textBytes = text.count
    done.isBlank = isBlank(text)
    let isWhole = piece.isFirst && piece.isLast
    if hashesText && isWhole { done.hash = TextHash(of: text) }
    if isWanted(piece.position.document, hash: done.hash), !(isWhole && done.isBlank) {
      if piece.isFirst, separator == .prepend, let separatorToken { result.tokens.append(separatorToken) }
      encode(text, isContinuation: !piece.isFirst, into: &result.tokens)
      if piece.isLast, separator == .append, let separatorToken { result.tokens.append(separatorToken) }
      done.end = result.tokens.count
    }
    result.pieces.append(done)
  }

  private func isWanted(_ document: Int, hash: TextHash?) -> Bool {
    if filter.isPassed(document) || !filter.mayWant(document: document) { return false }
    return hash.map { filter.mayWant($0) } ?? true
  }

  private func encode(_ text: UnsafeBufferPointer<UInt8>, isContinuation: Bool, into tokens: inout [Int32]) {
    var rest = text
    var isContinuation = isContinuation
    var length = DocumentTokenizer.stretch
    while length < rest.count {
      guard let cut = tokenizer.lastCut(in: UnsafeBufferPointer(rebasing: rest.prefix(length))) else {
        length *= 2
        continue
      }
      encodeStretch(UnsafeBufferPointer(rebasing: rest.prefix(cut)), isContinuation, into: &tokens)
      rest = UnsafeBufferPointer(rebasing: rest.dropFirst(cut))
      isContinuation = true
      length = DocumentTokenizer.stretch
    }
    encodeStretch(rest, isContinuation, into: &tokens)
  }

  private func encodeStretch(
    _ text: UnsafeBufferPointer<UInt8>, _ isContinuation: Bool, into tokens: inout [Int32]
  ) {
    if isContinuation {
      tokenizer.encodeContinuation(utf8: text, into: &tokens)
    } else {
      tokenizer.encode(utf8: text, addSpecialTokens: false, into: &tokens)
    }
  }

  /// The file's token type is chosen by the vocabulary's size: an id beyond it would be written as another one.
  private func check(_ result: TokenizedBatch, of batch: RawBatch) throws(DatasetError) {
    let size = tokenizer.vocabularySize
    // One comparison without branches for most batches: negative ids are large ones here.
    let largest = result.tokens.reduce(0) { max($0, UInt32(bitPattern: $1)) }
    guard largest >= size, let bad = result.tokens.first(where: { $0 < 0 || Int($0) >= size }) else { return }
    throw .tokenOutsideTokenizer(
      location: batch.pieces[0].position.location(in: files), token: Int(bad), vocabularySize: size)
  }
}

/// Whether there is nothing but ASCII white space.
func isBlank(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
  text.allSatisfy { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
}
