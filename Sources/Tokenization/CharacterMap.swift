/// The replacements of a SentencePiece normaliser such as nmt_nfkc: the longest of the known character sequences is
/// replaced.
///
/// Source: google/sentencepiece, src/normalizer.cc (`DecodePrecompiledCharsMap`), and the double-array trie of
/// s-yata/darts-clone, include/darts.h (`commonPrefixSearch`). The file is not trusted: every step is checked, and
/// bounded, so that text can neither be searched in square time nor grow without measure. (nmt_nfkc needs 12 and 33
/// bytes.)
struct CharacterMap: Sendable {
  static let longestSequence = 128
  private static let longestReplacement = 1024

  private let units: [UInt32]
  /// Replacements, each ended by a zero byte; the last byte is one.
  private let replacements: [UInt8]

  /// - Parameter blob: the trie's size in bytes, the trie, the replacements.
  init(_ blob: UnsafeRawBufferPointer, path: String) throws(TokenizationError) {
    func word(_ offset: Int) -> UInt32 {
      UInt32(littleEndian: blob.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    guard blob.count > 4, word(0) > 0, word(0) % 4 == 0, Int(word(0)) < blob.count - 4, blob[blob.count - 1] == 0 else {
      throw .invalidModel(path: path, reason: "its character map (precompiled_charsmap) is damaged")
    }
    let size = Int(word(0))
    units = (0..<size / 4).map { word(4 + 4 * $0) }
    replacements = Array(blob[(4 + size)...])
    guard replacements.split(separator: 0).allSatisfy({ $0.count <= CharacterMap.longestReplacement }) else {
      throw .invalidModel(path: path, reason: "its character map has a replacement of more than 1024 bytes")
    }
  }

  /// Calls `body` with the replacement of the longest sequence that begins at `text[at]`, and returns the sequence's
  /// length; nil if there is none.
  func replace(_ text: UnsafeBufferPointer<UInt8>, at: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void) -> Int? {
    guard let longest = longest(text, at), longest.value < replacements.count else { return nil }
    replacements.withUnsafeBufferPointer { replacements in
      var end = longest.value
      while replacements[end] != 0 { end += 1 }
      body(UnsafeBufferPointer(rebasing: replacements[longest.value..<end]))
    }
    return longest.length
  }

  private func longest(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> (length: Int, value: Int)? {
    var longest: (length: Int, value: Int)?
    var node = CharacterMap.offset(units[0])
    for index in at..<min(text.count, at + CharacterMap.longestSequence) {
      node ^= Int(text[index])
      guard node < units.count else { break }
      let unit = units[node]
      // The label, and the bit that tells a value from a node.
      guard unit & (1 << 31 | 0xFF) == UInt32(text[index]) else { break }
      node ^= CharacterMap.offset(unit)
      let hasValue = unit >> 8 & 1 == 1
      if hasValue, node < units.count { longest = (index + 1 - at, Int(units[node] & (1 << 31 - 1))) }
    }
    return longest
  }

  private static func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
}
