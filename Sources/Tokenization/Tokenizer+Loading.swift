extension Tokenizer {
  /// Reads the tokenizer of a model's directory.
  ///
  /// The vocabulary is that of the first of these that is there: `tokenizer.model` (SentencePiece), unless the
  /// `tokenizer.json` beside it is byte-level; `tokenizer.json`; `vocab.json` and `merges.txt`. Special tokens, and
  /// whether BOS and EOS are added, come from `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json` and
  /// `added_tokens.json`.
  /// - Throws: `TokenizationError`, `FileError`.
  public static func load(directory: String) throws -> Tokenizer {
    let directory = try TokenizerDirectory(directory)
    let settings = try TokenizerSettings(directory)
    return try Tokenizer(try source(directory, settings), settings, files: directory.files)
  }

  private static func source(_ directory: TokenizerDirectory, _ settings: TokenizerSettings) throws -> TokenizerSource {
    let json = try directory.path(of: .json).map { try TokenizerJSON(path: $0) }
    if let path = directory.path(of: .sentencePiece), json?.isByteLevel != true {
      return try TokenizerSource(try SentencePieceModel(path: path), path: path, json: json, settings: settings)
    }
    if let json { return try json.source() }
    guard let vocabulary = directory.path(of: .vocabulary), let merges = directory.path(of: .merges) else {
      throw TokenizationError.noTokenizer(directory: directory.path)
    }
    return try TokenizerSource(vocabulary: vocabulary, merges: merges, settings: settings)
  }

  private init(_ source: TokenizerSource, _ settings: TokenizerSettings, files: [String]) throws(TokenizationError) {
    let added = try AddedTokenList(source, settings)
    let bos = try added.id(of: settings.bos, otherwise: source.bos)
    let eos = try added.id(of: settings.eos, otherwise: source.eos)
    var prefix = source.template?.prefix ?? []
    var suffix = source.template?.suffix ?? []
    switch settings.addsBOS {
    case nil: if source.template == nil, source.addsBOS, let bos { prefix = [bos] }
    case false?: prefix = []
    case true?: if prefix.isEmpty { prefix = [try settings.token(bos, key: "bos_token")] }
    }
    switch settings.addsEOS {
    case nil: break
    case false?: suffix = []
    case true?: if suffix.isEmpty { suffix = [try settings.token(eos, key: "eos_token")] }
    }
    for id in prefix + suffix where !added.hasToken(id) {
      throw .idWithoutToken(path: source.tokens.path, key: "post_processor", id: Int(id))
    }

    let encoder = TextEncoder(
      model: source.model, preparation: source.preparation, added: added.rawTokens,
      addedToPrepared: added.preparedTokens, prefix: prefix, suffix: suffix)
    let vocabulary = Vocabulary(
      added.texts, special: source.special + added.tokens.filter(\.isSpecial).map(\.id),
      dropsFirstSpace: source.dropsFirstSpace)
    self.init(
      encoder: encoder, vocabulary: vocabulary, bos: bos, eos: eos, files: files, warnings: source.warnings)
  }
}
