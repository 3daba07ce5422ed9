extension TokenizerSource {
  /// A SentencePiece model, and the tokenizer.json that may lie beside it.
  ///
  /// The pieces and their scores are the model's: the merges of a converted tokenizer.json are not always the same.
  /// Added tokens and BOS are the file's. So is where spaces are put in front, unless the model does more to text than
  /// that: conversion has lost it then (OpenLLaMA's card warns of this).
  init(_ model: SentencePieceModel, path: String, json: TokenizerJSON?, settings: TokenizerSettings) throws {
    let merging = try MergingPieces(model, path: path)
    var preparation = TokenizerSource.preparation(model, settings, merging)
    if let json, model.characterMap == nil, !model.removesExtraSpaces {
      preparation = try TokenizerSource.preparation(of: json) ?? preparation
    }
    self.init(
      tokens: merging.tokens, texts: merging.texts, textOfAdded: TokenizerSource.metaspaceText, model: merging.model(),
      preparation: preparation)
    special = model.pieces.indices.filter { [.control, .unknown].contains(model.pieces[$0].kind) }.map(Int32.init)
    dropsFirstSpace = model.addsSpaceInFront
    bos = model.bos.map(Int32.init)
    eos = model.eos.map(Int32.init)
    // transformers, LlamaTokenizer: `add_bos_token=True, add_eos_token=False`.
    addsBOS = true
    template = try json?.template()
    added = try json?.addedTokens() ?? []
    honorsNormalized = false
    addedToPrepared = merging.userDefined
  }

  private static func preparation(
    _ model: SentencePieceModel, _ settings: TokenizerSettings, _ merging: MergingPieces
  ) -> TextPreparation {
    var preparation = TextPreparation()
    preparation.isMetaspace = true
    preparation.isNormalizer = true
    preparation.prefix = model.addsSpaceInFront && settings.addsPrefixSpace != false ? .always : .none
    preparation.prefixesStartOnly = settings.isLegacy == false
    preparation.removesExtraSpaces = model.removesExtraSpaces
    preparation.characterMap = model.characterMap
    if model.characterMap != nil {
      preparation.protected = AddedTokenMatcher(
        merging.userDefined.map { token in
          var token = token
          token.content = model.pieces[Int(token.id)].text
          return token
        })
    }
    return preparation
  }

  /// nil if it asks for something that this module does not have; the model's own rules stand for the same.
  private static func preparation(of json: TokenizerJSON) throws(TokenizationError) -> TextPreparation? {
    do {
      let (preparation, cutsBeforeSpaces) = try json.preparation()
      return preparation.isMetaspace && !cutsBeforeSpaces ? preparation : nil
    } catch {
      guard case .unsupported = error else { throw error }
      return nil
    }
  }
}

/// The pieces of a SentencePiece model as symbols that merge.
///
/// SentencePiece joins two neighbours if together they are a piece, the one of the highest score first (bpe_model.cc).
/// Which pairs make a piece is looked up here once: all ways to cut it into two that can come about, pieces or single
/// characters.
private struct MergingPieces {
  let tokens: TokenList
  /// What each id is decoded to.
  private(set) var texts: [[UInt8]] = []
  /// Pieces that are cut out of the text before any merge.
  private(set) var userDefined: [AddedToken] = []

  private let source: SentencePieceModel
  private let byteIDs: [Int32]
  private var entries: [(token: [UInt8], id: Int32)] = []
  /// What is written for characters that occur in pieces but are none.
  private var standIns: [[Int32]] = []

  init(_ source: SentencePieceModel, path: String) throws(TokenizationError) {
    self.source = source
    byteIDs = source.byteIDs
    tokens = try TokenList(path: path, source.pieces.enumerated().map { ($0.element.text, $0.offset) })
    let space = UInt8(ascii: " ")
    for (id, piece) in source.pieces.enumerated() {
      if piece.kind == .byte, let byte = ByteToken.byte(of: piece.text) {
        texts.append([byte])
        continue
      }
      texts.append(TokenizerSource.metaspaceText(piece.text))
      // Prepared text has no real spaces left: a piece with one in it is never met.
      guard piece.kind == .normal || piece.kind == .userDefined, !piece.text.contains(space) else { continue }
      entries.append((texts[id], Int32(id)))
      if piece.kind == .userDefined {
        userDefined.append(AddedToken(content: texts[id], id: Int32(id)))
      }
    }
    addStandIns()
  }

  private mutating func addStandIns() {
    let pieces = entries
    var known = Set(pieces.lazy.filter { $0.token.count <= 4 }.map(\.token))
    for piece in pieces {
      for character in String(decoding: piece.token, as: UTF8.self).unicodeScalars {
        let bytes = Array(String(character).utf8)
        guard known.insert(bytes).inserted else { continue }
        entries.append((bytes, Int32(source.pieces.count + standIns.count)))
        standIns.append(byteIDs.isEmpty ? [Int32(source.unknown)] : bytes.map { byteIDs[Int($0)] })
      }
    }
  }

  func model() -> BytePairModel {
    let index = TokenIndex(entries)
    let rules = rules(index)
    return BytePairModel(
      splitter: .boundaries(PieceBoundaries(rules.lazy.map { texts[Int($0.result)] }, beforeEverySpace: false)),
      alphabet: .characters(.init(index: index, bytes: byteIDs, unknown: Int32(source.unknown))),
      merges: MergeTable(rules), fusedUnknown: Int32(source.unknown), standIns: standIns,
      firstStandIn: Int32(source.pieces.count))
  }

  private func rules(_ index: TokenIndex) -> [MergeTable.Rule] {
    // Equal scores have equal ranks: then the place decides.
    let scores = Set(source.pieces.map(\.score)).sorted(by: >)
    let ranks = Dictionary(uniqueKeysWithValues: scores.enumerated().map { ($0.element, UInt32($0.offset)) })
    var rules: [MergeTable.Rule] = []
    for (text, id) in entries where id < source.pieces.count {
      let rank = ranks[source.pieces[Int(id)].score] ?? 0
      text.withUnsafeBufferPointer { text in
        for cut in text.indices.dropFirst() where text[cut] & 0xC0 != 0x80 {
          guard let left = index.id(of: UnsafeBufferPointer(rebasing: text[..<cut])),
            let right = index.id(of: UnsafeBufferPointer(rebasing: text[cut...]))
          else { continue }
          rules.append(MergeTable.Rule(left: left, right: right, rank: rank, result: id))
        }
      }
    }
    return rules
  }
}
