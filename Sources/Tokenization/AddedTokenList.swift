/// The added tokens of all files together, with their places among the ids.
struct AddedTokenList {
  private(set) var tokens: [AddedToken] = []
  /// What each id is decoded to, added tokens included.
  private(set) var texts: [[UInt8]]

  private let source: TokenizerSource
  private var ids: [[UInt8]: Int32] = [:]
  private var contents: [Int32: [UInt8]] = [:]

  /// Of a token that several files have, the vocabulary's file counts, then tokenizer_config.json, then the others.
  init(_ source: TokenizerSource, _ settings: TokenizerSettings) throws(TokenizationError) {
    self.source = source
    texts = source.texts
    for token in source.added { try add(token, path: source.tokens.path) }
    for (token, path) in settings.added { try add(token, path: path) }
    for var token in settings.named {
      guard let id = source.tokens.index.id(of: token.content) else { continue }
      token.id = id
      try add(token, path: source.tokens.path)
    }
  }

  private mutating func add(_ token: AddedToken, path: String) throws(TokenizationError) {
    if ids[token.content] != nil { return }
    try TokenList.check(Int(token.id), of: token.content, limit: source.tokens.limitForAdded, path: path)
    if let id = source.tokens.index.id(of: token.content), id != token.id {
      throw .tokenRenumbered(
        path: path, token: String(decoding: token.content, as: UTF8.self), id: Int(token.id), earlier: Int(id))
    }
    if let other = contents[token.id] ?? source.tokens.name(of: token.id), other != token.content {
      throw .idTakenTwice(
        path: path, id: Int(token.id), first: String(decoding: other, as: UTF8.self),
        second: String(decoding: token.content, as: UTF8.self))
    }
    tokens.append(token)
    ids[token.content] = token.id
    contents[token.id] = token.content
    if Int(token.id) >= texts.count { texts += Array(repeating: [], count: Int(token.id) + 1 - texts.count) }
    if source.tokens.name(of: token.id) == nil { texts[Int(token.id)] = source.textOfAdded(token.content) }
  }

  /// Those that are looked for in text as it comes.
  var rawTokens: [AddedToken] { tokens.filter { !isLookedForInPreparedText($0) } }

  /// Those that are looked for in prepared text, their contents prepared in the same way.
  var preparedTokens: [AddedToken] {
    source.addedToPrepared + tokens.filter(isLookedForInPreparedText).map(prepared).filter { !$0.content.isEmpty }
  }

  private func prepared(_ token: AddedToken) -> AddedToken {
    var token = token
    if source.preparation.composes {
      var composer = CanonicalComposer()
      let content = token.content
      content.withUnsafeBufferPointer { composer.withComposed($0) { token.content = Array($0) } }
    }
    if source.preparation.isNormalizer {
      let content = token.content
      content.withUnsafeBufferPointer { source.preparation.prepare($0, at: .start, into: &token.content) }
    }
    return token
  }

  private func isLookedForInPreparedText(_ token: AddedToken) -> Bool { token.isNormalized && source.honorsNormalized }

  func hasToken(_ id: Int32) -> Bool { contents[id] != nil || source.tokens.name(of: id) != nil }

  /// The id of the token at an end of a text.
  /// - Parameter otherwise: the vocabulary's own, where no settings name one.
  func id(of end: TokenizerSettings.EndToken, otherwise: Int32?) throws(TokenizationError) -> Int32? {
    switch end {
    case .unsaid: return otherwise
    case .none: return nil
    case .token(let content, let field):
      guard let id = ids[content] ?? source.tokens.index.id(of: content) else {
        throw .specialTokenNotFound(
          path: field.path, key: "\(field.place)", token: String(decoding: content, as: UTF8.self))
      }
      return id
    case .id(let id, let field):
      if let otherwise { return otherwise }
      guard let id = Int32(exactly: id), hasToken(id) else {
        throw .idWithoutToken(path: field.path, key: "\(field.place)", id: id)
      }
      return id
    }
  }
}
