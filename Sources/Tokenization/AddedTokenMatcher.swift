/// Finds added tokens: the leftmost, of several there the longest.
///
/// Source: huggingface/tokenizers, src/tokenizer/added_vocabulary.rs (`find_matches`).
struct AddedTokenMatcher: Sendable {
  /// Sorted by their bytes.
  private let tokens: [AddedToken]
  /// Tokens that begin with byte b: from `first[b]` to `first[b + 1]`.
  private var first = [Int](repeating: 0, count: 257)

  /// - Parameter tokens: none is empty; of equal ones the first counts.
  init(_ tokens: [AddedToken]) {
    // `sorted` is stable.
    self.tokens = tokens.sorted { $0.content.lexicographicallyPrecedes($1.content) }
    for token in tokens { first[Int(token.content[0]) + 1] += 1 }
    for byte in 0..<256 { first[byte + 1] += first[byte] }
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// Calls `text` and `token` for the parts of a text in their order.
  func split(
    _ text: UnsafeBufferPointer<UInt8>, text appendText: (Range<Int>) -> Void, token appendToken: (Int32) -> Void
  ) {
    var done = 0
    var at = 0
    // White space that a token has taken; others in it may take its rest again.
    var taken = 0..<0
    while let match = next(text, from: at) {
      at = match.end
      let token = tokens[match.token]
      if token.isSingleWord, isWord(text, endingAt: match.start) || isWord(text, beginningAt: match.end) { continue }
      var start = match.start
      var end = match.end
      if token.stripsLeft { start = spaceStart(text, before: start, limit: done) }
      if token.stripsRight {
        if !taken.contains(end) { taken = end..<spaceEnd(text, from: end) }
        end = taken.upperBound
      }
      if done < start { appendText(done..<start) }
      appendToken(token.id)
      // Back, too: what follows a token inside such white space is text again.
      done = end
    }
    if done < text.count { appendText(done..<text.count) }
  }

  private func next(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> (token: Int, start: Int, end: Int)? {
    if tokens.isEmpty { return nil }
    var at = start
    while at < text.count {
      let byte = Int(text[at])
      if first[byte] < first[byte + 1], let found = longest(text, at: at) { return (found.token, at, found.end) }
      at += 1
    }
    return nil
  }

  /// The longest token that begins at `text[at]`.
  func longest(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> (token: Int, end: Int)? {
    var candidates = first[Int(text[start])]..<first[Int(text[start]) + 1]
    var found: (token: Int, end: Int)?
    var depth = 1
    // The candidates agree with the text in `depth` bytes; those that end there, if any, sort first.
    while let shortest = candidates.first {
      if tokens[shortest].content.count == depth {
        found = (shortest, start + depth)
        candidates = partition(candidates) { tokens[$0].content.count > depth }..<candidates.upperBound
      }
      guard start + depth < text.count, !candidates.isEmpty else { break }
      let byte = text[start + depth]
      let low = partition(candidates) { tokens[$0].content[depth] >= byte }
      candidates = low..<partition(low..<candidates.upperBound) { tokens[$0].content[depth] > byte }
      depth += 1
    }
    return found
  }

  /// The first index from which on the condition holds.
  private func partition(_ range: Range<Int>, _ holds: (Int) -> Bool) -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  // MARK: - Neighbours

  private func spaceStart(_ text: UnsafeBufferPointer<UInt8>, before end: Int, limit: Int) -> Int {
    var start = end
    while start > limit, let before = character(text, endingAt: start), UnicodeClasses.shared[before.value] == .space {
      start -= before.length
    }
    return max(start, limit)
  }

  private func spaceEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var end = start
    while end < text.count {
      let next = UTF8Scalar(in: text, at: end)
      guard UnicodeClasses.shared[next.value] == .space else { break }
      end += next.length
    }
    return end
  }

  private func isWord(_ text: UnsafeBufferPointer<UInt8>, endingAt end: Int) -> Bool {
    character(text, endingAt: end).map { AddedTokenMatcher.isWord($0.value) } ?? false
  }

  private func isWord(_ text: UnsafeBufferPointer<UInt8>, beginningAt start: Int) -> Bool {
    start < text.count && AddedTokenMatcher.isWord(UTF8Scalar(in: text, at: start).value)
  }

  private func character(_ text: UnsafeBufferPointer<UInt8>, endingAt end: Int) -> UTF8Scalar? {
    guard end > 0 else { return nil }
    for start in stride(from: end - 1, through: max(0, end - 4), by: -1) where text[start] & 0xC0 != 0x80 {
      let scalar = UTF8Scalar(in: text, at: start)
      return start + scalar.length == end ? scalar : .malformed
    }
    return .malformed
  }

  /// \w: Unicode Technical Standard 18, annex C.
  private static func isWord(_ scalar: UInt32) -> Bool {
    guard let properties = Unicode.Scalar(scalar)?.properties else { return false }
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
    default: return false
    }
  }
}
