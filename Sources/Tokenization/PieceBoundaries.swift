/// Cuts text into words between which no merge can take place, for vocabularies that are applied to a text as a whole.
///
/// Two characters that stand side by side in no piece are never merged, whatever surrounds them: between them a text
/// can be cut and the parts merged on their own, with the same result. Most pieces of LLaMA's vocabulary hold a space
/// in front or none, so this cuts nearly as often as a pattern would.
struct PieceBoundaries: Sendable {
  /// Bit 256 · a + b: a piece has a character that ends in byte a before one that begins with byte b.
  private var joined = [UInt64](repeating: 0, count: 65536 / 64)

  /// - Parameters:
  ///   - pieces: the results of all merges.
  ///   - beforeEverySpace: cut there though pieces go on (Metaspace with `split`).
  init(_ pieces: some Sequence<[UInt8]>, beforeEverySpace: Bool) {
    for piece in pieces {
      for (left, right) in zip(piece, piece.dropFirst()) where !(beforeEverySpace && right == UInt8(ascii: " ")) {
        join(Int(left), Int(right))
      }
    }
  }

  /// Cuts nowhere else than before spaces, if there: for texts whose words depend on more than their neighbourhood.
  init(beforeEverySpace: Bool) {
    for left in 0..<256 {
      for right in 0..<256 where !(beforeEverySpace && right == UInt8(ascii: " ")) { join(left, right) }
    }
  }

  private mutating func join(_ left: Int, _ right: Int) {
    let pair = left << 8 | right
    joined[pair >> 6] |= 1 << UInt64(pair & 63)
  }

  /// A piece has a character that ends in `left` before one that begins with `right`.
  @inline(__always)
  func joins(_ left: UInt8, _ right: UInt8) -> Bool {
    let pair = Int(left) << 8 | Int(right)
    return joined[pair >> 6] >> UInt64(pair & 63) & 1 == 1
  }

  /// Where the word that begins at `start` ends; `start` is below `text.count`.
  @inline(__always)
  func end(of start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var at = start + 1
    var left = text[start]
    while at < text.count {
      let right = text[at]
      // Inside a character nothing is cut.
      if !joins(left, right), right & 0xC0 != 0x80 { break }
      left = right
      at += 1
    }
    return at
  }
}
