/// What is done to a text before it is cut into words.
///
/// Where spaces are written as "▁" (SentencePiece, Metaspace), text and tokens have a plain space for it inside this
/// module: a real space cannot be told from it afterwards anyway, and most text stays as it is.
struct TextPreparation: Sendable {
  enum Prefix: Sendable {
    case none
    /// A space in front of every text (`add_dummy_prefix`, `Prepend`).
    case always
    /// In front of a text that begins with none (Metaspace, `add_prefix_space`).
    case unlessSpace
  }

  /// Where a text stands.
  enum Place: Sendable {
    /// Nothing is before it.
    case start
    /// An added token is before it.
    case afterToken
    /// Text is before it, which it continues: it begins as it stands.
    case continuation
  }

  var prefix = Prefix.none
  /// No prefix for what follows an added token (`prepend_scheme: first`, `legacy: false`).
  var prefixesStartOnly = false
  /// "▁" and a space are the same.
  var isMetaspace = false
  /// Text is brought into composed form (NFC) before all else, added tokens with `normalized` too.
  var composes = false
  /// Leading and trailing spaces go, several become one (`remove_extra_whitespaces`).
  var removesExtraSpaces = false
  var characterMap: CharacterMap?
  /// Tokens that the character map leaves alone.
  var protected = AddedTokenMatcher([])
  /// Added tokens with `normalized` are looked for in the result, not in the text itself.
  var isNormalizer = false

  private static let space = UInt8(ascii: " ")
  private static let metaspace: [UInt8] = Array("▁".utf8)

  private var isPlain: Bool { !removesExtraSpaces && characterMap == nil }

  /// The text has no need to be copied.
  var isIdentity: Bool { prefix == .none && !isMetaspace && isPlain }

  /// - Parameter result: is overwritten.
  func prepare(_ text: UnsafeBufferPointer<UInt8>, at place: Place, into result: inout [UInt8]) {
    result.removeAll(keepingCapacity: true)
    if text.isEmpty { return }
    if isPlain {
      if needsPrefix(text, at: place) { result.append(TextPreparation.space) }
      append(text, to: &result)
    } else {
      normalize(text, at: place, into: &result)
    }
  }

  private func needsPrefix(_ text: UnsafeBufferPointer<UInt8>, at place: Place) -> Bool {
    if place == .continuation || prefixesStartOnly && place == .afterToken { return false }
    switch prefix {
    case .none: return false
    case .always: return true
    case .unlessSpace:
      return text[0] != TextPreparation.space && !(isMetaspace && text.starts(with: TextPreparation.metaspace))
    }
  }

  /// Appends text, "▁" as a space.
  private func append(_ text: UnsafeBufferPointer<UInt8>, to result: inout [UInt8]) {
    if text.count == 1 { return result.append(text[0]) }
    var rest = text[...]
    while isMetaspace, let lead = rest.firstIndex(of: TextPreparation.metaspace[0]) {
      let isMetaspace = rest[lead...].starts(with: TextPreparation.metaspace)
      result.append(contentsOf: rest[..<lead])
      result.append(isMetaspace ? TextPreparation.space : rest[lead])
      rest = rest[(lead + (isMetaspace ? TextPreparation.metaspace.count : 1))...]
    }
    result.append(contentsOf: rest)
  }

  /// Source: google/sentencepiece, src/normalizer.cc (`Normalize`).
  private func normalize(_ text: UnsafeBufferPointer<UInt8>, at place: Place, into result: inout [UInt8]) {
    var at = 0
    while removesExtraSpaces, place != .continuation, at < text.count {
      var isSpace = false
      let length = replace(text, at) { isSpace = $0.count == 1 && $0[0] == TextPreparation.space }
      guard isSpace else { break }
      at += length
    }
    guard at < text.count else { return }
    if needsPrefix(text, at: place) { result.append(TextPreparation.space) }
    var followsSpace = removesExtraSpaces && place != .continuation
    while at < text.count {
      at += replace(text, at) { replacement in
        var rest = replacement[...]
        while followsSpace, rest.first == TextPreparation.space { rest.removeFirst() }
        guard let last = rest.last else { return }
        followsSpace = removesExtraSpaces && last == TextPreparation.space
        append(UnsafeBufferPointer(rebasing: rest), to: &result)
      }
    }
    while removesExtraSpaces, result.last == TextPreparation.space { result.removeLast() }
  }

  /// Calls `body` with what is written for what stands at `at`, and returns how long that is.
  @inline(__always)
  private func replace(
    _ text: UnsafeBufferPointer<UInt8>, _ at: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) -> Int {
    var length = UTF8Scalar(in: text, at: at).length
    if let token = protected.longest(text, at: at) {
      length = token.end - at
    } else if let replaced = characterMap?.replace(text, at: at, body) {
      return replaced
    }
    body(UnsafeBufferPointer(rebasing: text[at..<at + length]))
    return length
  }
}
