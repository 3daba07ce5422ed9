/// Where a text may be cut so that its parts have the ids of the whole: a long text then needs neither one buffer nor one
/// thread.
///
/// Two kinds of places are known to end a word for every pattern and vocabulary of this module: before a single space
/// between two ASCII letters, and behind a line feed between something that is no white space and a letter. What could still reach over them
/// is looked at: pieces with such neighbours, added tokens, sequences of a character map.
struct TextCuts: Sendable {
  private let model: BytePairModel
  private let characterMap: CharacterMap?
  private let allowsSpaces: Bool
  private let allowsLines: Bool

  private static let space = UInt8(ascii: " ")
  private static let lineFeed = UInt8(ascii: "\n")

  /// - Parameter added: the tokens that are looked for in the text as it comes, and in prepared text.
  init(_ model: BytePairModel, _ preparation: TextPreparation, added: [AddedToken]) {
    self.model = model
    characterMap = preparation.characterMap
    allowsSpaces =
      model.writes(TextCuts.space) && added.allSatisfy { !$0.stripsRight && !TextCuts.reachesOverSpace($0.content) }
    allowsLines =
      allowsSpaces && characterMap == nil && !preparation.removesExtraSpaces && model.writes(TextCuts.lineFeed)
      && added.allSatisfy { !$0.stripsLeft && !$0.content.contains(TextCuts.lineFeed) }
  }

  private static func reachesOverSpace(_ token: [UInt8]) -> Bool {
    if token == [space] { return true }
    return zip(token, token.dropFirst()).enumerated().contains { at, pair in
      isLetter(pair.0) && pair.1 == space || at == 0 && pair.0 == space && isLetter(pair.1)
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }

  /// The last such place, neither at the start of the text nor at its end; nil if there is none.
  func last(in text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard allowsSpaces, text.count > 2 else { return nil }
    var at = text.count - 2
    while at > 0 {
      if text[at] == TextCuts.space {
        if endsWord(text, beforeSpace: at) { return at }
      } else if text[at] == TextCuts.lineFeed, allowsLines, endsWord(text, behindLineFeed: at) {
        return at + 1
      }
      at -= 1
    }
    return nil
  }

  private func endsWord(_ text: UnsafeBufferPointer<UInt8>, beforeSpace at: Int) -> Bool {
    guard TextCuts.isLetter(text[at - 1]), TextCuts.isLetter(text[at + 1]), model.writes(text[at - 1]),
      model.keepsApart(text[at - 1], text[at])
    else { return false }
    guard let characterMap else { return true }
    return (max(0, at - CharacterMap.longestSequence)..<at).allSatisfy { start in
      start + (characterMap.replace(text, at: start) { _ in } ?? 0) <= at
    }
  }

  private func endsWord(_ text: UnsafeBufferPointer<UInt8>, behindLineFeed at: Int) -> Bool {
    guard UnicodeClasses.shared[UTF8Scalar(in: text, at: at + 1).value] == .letter,
      model.keepsApart(text[at], text[at + 1])
    else { return false }
    var before = at - 1
    while before > max(0, at - 4), text[before] & 0xC0 == 0x80 { before -= 1 }
    let scalar = UTF8Scalar(in: text, at: before)
    return before + scalar.length == at && UnicodeClasses.shared[scalar.value] != .space
  }
}
