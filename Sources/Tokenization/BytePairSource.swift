/// A byte-pair vocabulary as tokenizer.json, or vocab.json and merges.txt, describe it.
struct BytePairSource {
  let tokens: TokenList
  let merges: [MergeTable.Rule]
  /// What stands for a symbol that the vocabulary does not have.
  var unknown: Int32?
  /// Its name, if the vocabulary does not have it.
  var missingUnknown: String?
  var fusesUnknown = false
  var fallsBackToBytes = false
  var ignoresMerges = false

  /// GPT-2's only special token, at both ends of a text.
  static let endOfText = Array("<|endoftext|>".utf8)

  init(tokens: TokenList, merges: [MergeTable.Rule]) {
    self.tokens = tokens
    self.merges = merges
  }

  /// GPT-2's kind: words of bytes.
  /// - Parameter splitter: nil if the text is not cut into words.
  func byteLevel(
    _ preparation: TextPreparation, splitter: BytePairModel.Splitter?
  ) throws(TokenizationError) -> TokenizerSource {
    var texts = tokens.names.map { $0.map(TokenizerSource.byteLevelText) ?? [] }
    var ids = [Int32](repeating: unknown ?? -1, count: 256)
    var words: [(token: [UInt8], id: Int32)] = []
    for (id, name) in tokens.names.enumerated() {
      guard let name, let bytes = ByteAlphabet.bytes(of: name) else { continue }
      texts[id] = bytes
      if bytes.count == 1 { ids[Int(bytes[0])] = Int32(id) }
      if ignoresMerges { words.append((bytes, Int32(id))) }
    }
    let boundaries = try boundaries(texts, isComplete: !ids.contains(-1), cutsBeforeSpaces: false)
    let model = BytePairModel(
      splitter: splitter ?? .boundaries(boundaries), alphabet: .bytes(ids), merges: MergeTable(merges),
      wholeWords: ignoresMerges ? TokenIndex(words) : nil,
      fusedUnknown: fusesUnknown ? unknown : nil)
    var source = TokenizerSource(
      tokens: tokens, texts: texts, textOfAdded: TokenizerSource.byteLevelText, model: model, preparation: preparation)
    source.bos = tokens.index.id(of: BytePairSource.endOfText)
    source.eos = source.bos
    return source
  }

  /// LLaMA's kind: text of characters, in which spaces may be written as "▁".
  func characterLevel(
    _ preparation: TextPreparation, cutsBeforeSpaces: Bool
  ) throws(TokenizationError) -> TokenizerSource {
    let textOf = preparation.isMetaspace ? TokenizerSource.metaspaceText : TokenizerSource.sameText
    let space = UInt8(ascii: " ")
    var texts: [[UInt8]] = []
    var entries: [(token: [UInt8], id: Int32)] = []
    var byteIDs = [Int32](repeating: -1, count: fallsBackToBytes ? 256 : 0)
    for (id, name) in tokens.names.enumerated() {
      guard let name else {
        texts.append([])
        continue
      }
      if fallsBackToBytes, let byte = ByteToken.byte(of: name) {
        byteIDs[Int(byte)] = Int32(id)
        texts.append([byte])
        continue
      }
      texts.append(textOf(name))
      // Prepared text has no real spaces left: a token with one in it is never met.
      if !(preparation.isMetaspace && name.contains(space)) { entries.append((texts[id], Int32(id))) }
    }
    let allByteIDs = Set(byteIDs.filter { $0 >= 0 })
    if let rule = merges.first(where: { allByteIDs.contains($0.left) || allByteIDs.contains($0.right) }) {
      let name = tokens.names[Int(rule.result)].map { String(decoding: $0, as: UTF8.self) } ?? ""
      throw .unsupported(
        path: tokens.path, part: "merge", found: "of byte tokens, '\(name)',", supported: "of characters")
    }
    let index = TokenIndex(entries)
    let isComplete = unknown != nil || fallsBackToBytes && !byteIDs.contains(-1)
    let boundaries = try boundaries(texts, isComplete: isComplete, cutsBeforeSpaces: cutsBeforeSpaces)
    let model = BytePairModel(
      splitter: .boundaries(boundaries),
      alphabet: .characters(.init(index: index, bytes: byteIDs, unknown: unknown)), merges: MergeTable(merges),
      wholeWords: ignoresMerges ? index : nil, fusedUnknown: fusesUnknown ? unknown : nil)
    var source = TokenizerSource(
      tokens: tokens, texts: texts, textOfAdded: textOf, model: model, preparation: preparation)
    source.bos = tokens.index.id(of: Array("<s>".utf8))
    source.eos = tokens.index.id(of: Array("</s>".utf8))
    return source
  }

  /// - Parameter isComplete: every symbol has a token. Otherwise it is left out, and its neighbours become neighbours.
  private func boundaries(
    _ texts: [[UInt8]], isComplete: Bool, cutsBeforeSpaces: Bool
  ) throws(TokenizationError) -> PieceBoundaries {
    if !isComplete, let missingUnknown {
      throw .specialTokenNotFound(path: tokens.path, key: "model.unk_token", token: missingUnknown)
    }
    if !isComplete || ignoresMerges { return PieceBoundaries(beforeEverySpace: cutsBeforeSpaces) }
    return PieceBoundaries(merges.lazy.map { texts[Int($0.result)] }, beforeEverySpace: cutsBeforeSpaces)
  }
}
