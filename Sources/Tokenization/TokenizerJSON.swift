import Files

/// A `tokenizer.json` of huggingface/tokenizers, as far as this module has what it describes: byte-pair encoding, on
/// bytes (GPT-2) or on characters (LLaMA).
struct TokenizerJSON {
  let root: JSONField
  /// Its text is written in the alphabet of bytes.
  let isByteLevel: Bool

  var path: String { root.path }

  init(path: String) throws {
    root = try JSONField(file: path)
    try root.checkIsObject()
    isByteLevel = try TokenizerJSON.steps(root["pre_tokenizer"], list: "pretokenizers").contains {
      $0["type"].value?.string == "ByteLevel"
    }
  }

  /// The parts of a normalizer, pre-tokenizer, decoder or post-processor; a sequence's one by one.
  static func steps(_ field: JSONField, list: String) throws(TokenizationError) -> [JSONField] {
    guard field.isPresent else { return [] }
    guard try field["type"].string() == "Sequence" else { return [field] }
    return try field[list].elements()
  }

  func unsupported(_ part: String, _ step: JSONField, supported: String) throws(TokenizationError)
    -> TokenizationError
  {
    .unsupported(path: path, part: part, found: try step["type"].string(), supported: supported)
  }

  // MARK: - Added tokens

  func addedTokens() throws(TokenizationError) -> [AddedToken] {
    guard root["added_tokens"].isPresent else { return [] }
    return try root["added_tokens"].elements().map { field throws(TokenizationError) in
      try AddedToken(field, id: field["id"].integer())
    }.filter { !$0.content.isEmpty }
  }

  // MARK: - Preparation

  /// What is done to text, for a vocabulary that is not byte-level.
  /// - Returns: whether Metaspace cuts the text before every space, too.
  func preparation() throws(TokenizationError) -> (TextPreparation, cutsBeforeSpaces: Bool) {
    var preparation = TextPreparation()
    try readNormalizer(into: &preparation)
    preparation.isNormalizer = preparation.isMetaspace
    var cuts = false
    for step in try TokenizerJSON.steps(root["pre_tokenizer"], list: "pretokenizers") {
      guard try step["type"].string() == "Metaspace" else {
        throw try unsupported("pre_tokenizer", step, supported: "ByteLevel or Metaspace alone")
      }
      guard try step["replacement"].string() == "▁" else { throw step["replacement"].mismatch("'▁'") }
      cuts = try step["split"].bool(absent: true)
      preparation.isMetaspace = true
      if preparation.prefix == .none { try readPrefix(of: step, into: &preparation) }
    }
    return (preparation, cuts)
  }

  private func readNormalizer(into preparation: inout TextPreparation) throws(TokenizationError) {
    let supported = "NFC, Prepend of '▁' and Replace of ' ' by '▁'"
    let steps = try TokenizerJSON.steps(root["normalizer"], list: "normalizers")
    for step in steps {
      switch try step["type"].string() {
      // Before the others or behind them: no character composes with "▁".
      case "NFC": preparation.composes = true
      case "Prepend" where step["prepend"].value?.string == "▁": preparation.prefix = .always
      case "Replace" where step["pattern"]["String"].value?.string == " " && step["content"].value?.string == "▁":
        preparation.isMetaspace = true
      case let type:
        let detail = type == "Replace" ? " \(step["pattern"].value?.serialized() ?? "")" : ""
        throw .unsupported(path: path, part: "normalizer", found: type + detail, supported: supported)
      }
    }
    guard preparation.prefix == .none || preparation.isMetaspace else {
      throw .unsupported(path: path, part: "normalizer", found: "Prepend without Replace", supported: supported)
    }
  }

  /// Older files have `add_prefix_space`.
  private func readPrefix(of step: JSONField, into preparation: inout TextPreparation) throws(TokenizationError) {
    let scheme = step["prepend_scheme"]
    guard scheme.isPresent else {
      preparation.prefix = try step["add_prefix_space"].bool(absent: true) ? .unlessSpace : .none
      return
    }
    switch try scheme.string() {
    case "always": preparation.prefix = .unlessSpace
    case "first":
      preparation.prefix = .unlessSpace
      preparation.prefixesStartOnly = true
    case "never": preparation.prefix = .none
    default: throw scheme.mismatch("'always', 'first' or 'never'")
    }
  }

  // MARK: - Decoder and post-processor

  /// Checks that ids are turned to text as this module does it, and tells whether a space in front is taken away.
  private func dropsFirstSpace() throws(TokenizationError) -> Bool {
    var drops = false
    for step in try TokenizerJSON.steps(root["decoder"], list: "decoders") {
      switch (try step["type"].string(), isByteLevel) {
      case ("ByteLevel", true), ("ByteFallback", false), ("Fuse", _): continue
      case ("Replace", false)
      where step["pattern"]["String"].value?.string == "▁" && step["content"].value?.string == " ": continue
      case ("Strip", false) where step["content"].value?.string == " " && step["stop"].value?.integer == 0:
        drops = try step["start"].integer() > 0
      case ("Metaspace", false): drops = try preparation().0.prefix != .none
      case (let type, _):
        throw .unsupported(
          path: path, part: "decoder", found: type,
          supported: isByteLevel
            ? "ByteLevel" : "Replace of '▁' by ' ', ByteFallback, Fuse, Strip of ' ' at the start, Metaspace")
      }
    }
    return drops
  }

  /// The ids that stand around a text; nil if the file does not say.
  func template() throws(TokenizationError) -> (prefix: [Int32], suffix: [Int32])? {
    var template: (prefix: [Int32], suffix: [Int32])?
    for step in try TokenizerJSON.steps(root["post_processor"], list: "processors") {
      switch try step["type"].string() {
      case "ByteLevel": continue
      case "TemplateProcessing": template = try readTemplate(step)
      default: throw try unsupported("post_processor", step, supported: "ByteLevel, TemplateProcessing")
      }
    }
    return template
  }

  private func readTemplate(_ step: JSONField) throws(TokenizationError) -> (prefix: [Int32], suffix: [Int32]) {
    var prefix: [Int32] = []
    var suffix: [Int32] = []
    var hasText = false
    for piece in try step["single"].elements() {
      if piece["Sequence"].isPresent {
        guard !hasText else { throw step["single"].mismatch("the text once") }
        hasText = true
        continue
      }
      let name = try piece["SpecialToken"]["id"].string()
      for field in try step["special_tokens"][name]["ids"].elements() {
        let id = try field.integer()
        guard let id = Int32(exactly: id), id >= 0 else { throw field.mismatch("an id") }
        if hasText { suffix.append(id) } else { prefix.append(id) }
      }
    }
    guard hasText else { throw step["single"].mismatch("the text once") }
    return (prefix, suffix)
  }

  // MARK: - Model

  /// The whole tokenizer.
  func source() throws(TokenizationError) -> TokenizerSource {
    let model = root["model"]
    try model.checkIsObject()
    // Early files have no type.
    let type = model["type"].isPresent || !model["merges"].isPresent ? try model["type"].string() : "BPE"
    guard type == "BPE" else { throw .unsupported(path: path, part: "model", found: type, supported: "BPE") }
    for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
      switch model[key].value {
      case nil, .null, .string(""), .integer(0), .number(0): continue
      case let value?:
        throw .unsupported(path: path, part: "model.\(key)", found: value.serialized(), supported: "none")
      }
    }
    let tokens = try TokenList(
      path: path,
      try model["vocab"].members().map { member throws(TokenizationError) in
        (Array(member.name.utf8), try member.field.integer())
      })
    var merges = MergeList(tokens, path: path)
    try merges.read(model["merges"])
    var bytePair = BytePairSource(tokens: tokens, merges: merges.rules)
    if model["unk_token"].isPresent {
      bytePair.unknown = tokens.index.id(of: try model["unk_token"].bytes())
      bytePair.missingUnknown = bytePair.unknown == nil ? try model["unk_token"].string() : nil
    }
    bytePair.fusesUnknown = try model["fuse_unk"].bool(absent: false)
    bytePair.fallsBackToBytes = try model["byte_fallback"].bool(absent: false)
    bytePair.ignoresMerges = try model["ignore_merges"].bool(absent: false)

    var source: TokenizerSource
    if isByteLevel {
      let (preparation, splitter) = try byteLevelPreparation()
      source = try bytePair.byteLevel(preparation, splitter: splitter)
    } else {
      let (preparation, cutsBeforeSpaces) = try preparation()
      source = try bytePair.characterLevel(preparation, cutsBeforeSpaces: cutsBeforeSpaces)
      // OpenLLaMA's card asks not to use the converted one: the conversion has left out the merge of score 0, which is
      // the first one, "▁" and "t".
      if preparation.isMetaspace && bytePair.fallsBackToBytes {
        source.warnings.append(
          "\(path): converted from a SentencePiece model, and some texts have other tokens than the model gives them; "
            + "put the model's own tokenizer.model beside it")
      }
    }
    source.added = try addedTokens()
    source.dropsFirstSpace = try dropsFirstSpace()
    source.template = try template()
    source.bos = source.template?.prefix.first ?? source.bos
    source.eos = source.template?.suffix.first ?? source.eos
    return source
  }
}
