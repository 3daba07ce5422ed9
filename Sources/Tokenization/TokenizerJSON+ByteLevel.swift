extension TokenizerJSON {
  /// What is done to text, for a byte-level vocabulary.
  /// - Returns: what cuts the text into words, too; nil if nothing does.
  func byteLevelPreparation() throws(TokenizationError) -> (TextPreparation, BytePairModel.Splitter?) {
    var preparation = TextPreparation()
    for step in try TokenizerJSON.steps(root["normalizer"], list: "normalizers") {
      guard try step["type"].string() == "NFC" else {
        throw try unsupported("normalizer", step, supported: "NFC or none before the pre_tokenizer ByteLevel")
      }
      preparation.composes = true
    }
    let steps = try TokenizerJSON.steps(root["pre_tokenizer"], list: "pretokenizers")
    guard steps.count <= 2, let byteLevel = steps.last, try byteLevel["type"].string() == "ByteLevel" else {
      throw try unsupported(
        "pre_tokenizer", steps.first { $0["type"].value?.string != "ByteLevel" } ?? steps[0],
        supported: "ByteLevel, alone or behind one Split or Digits; Metaspace alone")
    }
    let addsSpace = try byteLevel["add_prefix_space"].bool(absent: true)
    let cutsWords = try byteLevel["use_regex"].bool(absent: true)
    if steps.count == 1 {
      if addsSpace { preparation.prefix = .unlessSpace }
      return (preparation, cutsWords ? .pattern(GPT2Pattern()) : nil)
    }

    let isDigits = try steps[0]["type"].string() == "Digits"
    let splitter = isDigits ? try digits(steps[0]) : try split(steps[0])
    guard !addsSpace, cutsWords == isDigits else {
      throw .unsupported(
        path: path, part: "pre_tokenizer",
        found: "ByteLevel with add_prefix_space \(addsSpace) and use_regex \(cutsWords)",
        supported: "false and \(isDigits) behind \(isDigits ? "Digits" : "Split")")
    }
    return (preparation, splitter)
  }

  /// Digits apart, before GPT-2's pattern.
  private func digits(_ step: JSONField) throws(TokenizationError) -> BytePairModel.Splitter {
    guard try step["individual_digits"].bool(absent: false) else {
      throw try unsupported("pre_tokenizer", step, supported: "individual_digits there")
    }
    return .starCoder(StarCoderPattern())
  }

  private func split(_ step: JSONField) throws(TokenizationError) -> BytePairModel.Splitter {
    guard try step["type"].string() == "Split" else {
      throw try unsupported("pre_tokenizer", step, supported: "Split or Digits before ByteLevel")
    }
    let regex = step["pattern"]["Regex"].value?.string
    guard let splitter = regex.flatMap(BytePairModel.Splitter.init(pattern:)) else {
      throw .unsupported(
        path: path, part: "pre_tokenizer", found: "Split by \(TokenizerJSON.short(step["pattern"]))",
        supported: "the patterns of GPT-2, GPT-4, Llama 3 and Qwen 2, exactly as written there")
    }
    // Those patterns match all of a text: it makes no difference what is done with the rest.
    switch (try step["behavior"].string(), try step["invert"].bool(absent: false)) {
    case ("Isolated", _), ("Removed", true): return splitter
    case (let behavior, let isInverted):
      throw .unsupported(
        path: path, part: "pre_tokenizer", found: "Split with behavior \(behavior) and invert \(isInverted)",
        supported: "Isolated, or Removed and true")
    }
  }

  /// A value as JSON, not longer than a few lines.
  private static func short(_ field: JSONField) -> String {
    let text = (field.value?.serialized() ?? "nothing").unicodeScalars
    return String(String.UnicodeScalarView(text.prefix(300))) + (text.count > 300 ? "…" : "")
  }
}
