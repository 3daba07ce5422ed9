import Files

/// What lies beside a vocabulary: which tokens are special, and whether BOS and EOS are added.
///
/// Source: transformers, tokenization_utils_base.py (`_from_pretrained`).
struct TokenizerSettings {
  /// What a file says of the token at an end of a text.
  enum EndToken {
    case unsaid
    case none
    case token([UInt8], JSONField)
    case id(Int, JSONField)
  }

  /// The file that says so; for messages.
  private let configurationPath: String
  private(set) var bos = EndToken.unsaid
  private(set) var eos = EndToken.unsaid
  /// nil where the file does not say.
  private(set) var addsBOS: Bool?
  private(set) var addsEOS: Bool?
  private(set) var addsPrefixSpace: Bool?
  private(set) var isLegacy: Bool?
  /// `tokenizer_class`, the name of transformers' class.
  private(set) var className: JSONField?
  /// Added tokens with their ids, and the file for messages.
  private(set) var added: [(token: AddedToken, path: String)] = []
  /// Special tokens that have a name (`unk_token`); their ids are the vocabulary's.
  private(set) var named: [AddedToken] = []

  private static let roles = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  init(_ directory: TokenizerDirectory) throws {
    configurationPath = directory.path + "/" + TokenizerDirectory.File.configuration.rawValue
    var hasDecoder = false
    if let path = directory.path(of: .configuration) {
      let root = try JSONField(file: path)
      try root.checkIsObject()
      addsBOS = try root["add_bos_token"].bool()
      addsEOS = try root["add_eos_token"].bool()
      addsPrefixSpace = try root["add_prefix_space"].bool()
      isLegacy = try root["legacy"].bool()
      if root["tokenizer_class"].isPresent { className = root["tokenizer_class"] }
      if root["added_tokens_decoder"].isPresent {
        hasDecoder = true
        for (name, field) in try root["added_tokens_decoder"].members() {
          guard let id = Int(name) else { throw field.mismatch("an id as its key") }
          added.append((try AddedToken(field, id: id), path))
        }
      }
      try readRoles(root)
    }
    if let path = directory.path(of: .addedTokens) {
      for (name, field) in try JSONField(file: path).members() where !name.isEmpty {
        let token = AddedToken(
          content: Array(name.utf8), id: try AddedToken.checkedID(field.integer(), field), isNormalized: true,
          isSpecial: false)
        added.append((token, path))
      }
    }
    // The older file counts where the newer table is missing.
    if !hasDecoder, let path = directory.path(of: .specialTokens) { try readRoles(try JSONField(file: path)) }
    try readGeneration(directory)
  }

  private mutating func readRoles(_ root: JSONField) throws(TokenizationError) {
    try root.checkIsObject()
    for role in TokenizerSettings.roles {
      let field = root[role]
      guard let value = field.value else { continue }
      if case .null = value {
        if role == "bos_token", case .unsaid = bos { bos = .none }
        if role == "eos_token", case .unsaid = eos { eos = .none }
        continue
      }
      let token = try AddedToken(named: field)
      // Early LLaMA conversions have "": nothing is said.
      guard !token.content.isEmpty else { continue }
      named.append(token)
      if role == "bos_token" { bos = .token(token.content, field) }
      if role == "eos_token" { eos = .token(token.content, field) }
    }
    for list in ["additional_special_tokens", "extra_special_tokens"] where root[list].value?.array != nil {
      named += try root[list].elements().map { field throws(TokenizationError) in try AddedToken(named: field) }
        .filter { !$0.content.isEmpty }
    }
  }

  /// The token that `add_bos_token` or `add_eos_token` asks for.
  func token(_ id: Int32?, key: String) throws(TokenizationError) -> Int32 {
    guard let id else { throw .noTokenToAdd(path: configurationPath, key: key) }
    return id
  }

  /// Ids for ends of which nothing else has been said.
  private mutating func readGeneration(_ directory: TokenizerDirectory) throws {
    guard let path = directory.path(of: .generation) else { return }
    let root = try JSONField(file: path)
    try root.checkIsObject()
    if case .unsaid = bos { bos = try TokenizerSettings.end(root["bos_token_id"]) }
    if case .unsaid = eos { eos = try TokenizerSettings.end(root["eos_token_id"]) }
  }

  /// A list means that each of its ids ends a text; the first is the one that is written.
  private static func end(_ field: JSONField) throws(TokenizationError) -> EndToken {
    guard field.isPresent else { return .unsaid }
    let first = field.value?.array == nil ? field : try field.elements().first
    guard let first else { return .unsaid }
    return .id(try first.integer(), first)
  }
}
