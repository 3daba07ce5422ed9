import Files

extension TokenizerSource {
  /// vocab.json and merges.txt, which hold a vocabulary of GPT-2's kind. What cuts text into words they do not say: it
  /// depends on the class that reads them.
  init(vocabulary: String, merges: String, settings: TokenizerSettings) throws {
    let kind = try settings.className.map { name throws(TokenizationError) in try FileClass(name) } ?? .gpt2
    let tokens = try TokenList(
      path: vocabulary,
      try JSONField(file: vocabulary).members().map { (Array($0.name.utf8), try $0.field.integer()) })
    let file = try MappedFile(merges)
    var list = MergeList(tokens, path: merges)
    try withExtendedLifetime(file) { try list.read(file.bytes) }
    var preparation = TextPreparation()
    if settings.addsPrefixSpace == true { preparation.prefix = .unlessSpace }
    preparation.composes = kind.composes
    self = try BytePairSource(tokens: tokens, merges: list.rules).byteLevel(preparation, splitter: kind.splitter)
    if let id = bos { added = [AddedToken(content: BytePairSource.endOfText, id: id)] }
  }
}

/// The classes of transformers that read vocab.json and merges.txt, as far as they make what this module has of them.
private enum FileClass {
  case gpt2, gptNeoX, qwen2

  init(_ field: JSONField) throws(TokenizationError) {
    let name = try field.string()
    switch name.hasSuffix("Fast") ? String(name.dropLast(4)) : name {
    case "GPT2Tokenizer", "CodeGenTokenizer": self = .gpt2
    case "GPTNeoXTokenizer": self = .gptNeoX
    case "Qwen2Tokenizer": self = .qwen2
    default:
      throw .unsupported(
        path: field.path, part: "\(field.place)", found: "'\(name)' with vocab.json and merges.txt alone",
        supported: "GPT2Tokenizer, CodeGenTokenizer, GPTNeoXTokenizer, Qwen2Tokenizer, and any with a tokenizer.json "
          + "(transformers' save_pretrained writes one)")
    }
  }

  var composes: Bool { self != .gpt2 }

  var splitter: BytePairModel.Splitter {
    self == .qwen2 ? .gpt4(GPT4Pattern(longestNumber: 1)) : .pattern(GPT2Pattern())
  }
}
