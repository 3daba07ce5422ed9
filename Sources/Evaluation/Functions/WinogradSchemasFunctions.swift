import Templates

extension TaskFunction {
  /// The Winograd Schema Challenge (Levesque et al. 2012) as 273 texts: which of two options the pronoun stands for, by
  /// how likely the rest becomes. Rows: text, pronoun, pronoun_loc (a code point), options, label.
  static let wsc273 = [
    TaskFunction.map("utils.process_doc", of: ["lighteval/winograd_wsc", "winograd_wsc"]) {
      row throws(EvaluationError) in
      let text = PythonString.replace(try row.string("text"), "  ", with: " ")
      row.columns["text"] = .string(text)
      var options = try row.strings("options")
      guard options.count >= 2 else { throw row.error("'options' has \(options.count) text, expected 2") }
      for index in 0..<2 { options[index] = try winogradOption(options[index], in: row, text: text) }
      row.columns["options"] = .list(options.map(PythonValue.string))
    }
  ]

  /// The option as it stands in the pronoun's place: with 's for a possessive, and lower-case inside a sentence.
  private static func winogradOption(
    _ option: String, in row: Row, text: String
  ) throws(EvaluationError) -> String {
    let isPossessive = ["my", "his", "her", "our", "their"].contains(PythonString.lowercase(try row.string("pronoun")))
    let option = isPossessive ? option + "'s" : option
    guard let word = PythonString.words(option).first else { throw row.error("'options' has an empty text") }
    // As Python: an index below 0 counts from the end. A pronoun after a full stop and a blank begins a sentence.
    let scalars = Array(text.unicodeScalars)
    let position = try row.integer("pronoun_loc")
    guard (2 - scalars.count)..<(scalars.count + 2) ~= position else {
      throw row.error("'pronoun_loc' is \(position), outside 'text' of \(scalars.count) characters")
    }
    let index = position < 2 ? position - 2 + scalars.count : position - 2
    let capitalized: Set = ["A", "An", "The", "She", "He", "It", "They", "My", "His", "Her", "Their"]
    guard scalars[index] != ".", capitalized.contains(word) else { return option }
    return PythonString.replace(option, word, with: PythonString.lowercase(word))
  }

  /// SuperGLUE's copy of the schemas as questions with yes or no. Rows: text, span1_text, span2_text, span2_index (a
  /// word), label.
  static let wsc = [
    TaskFunction.value("preprocess_wsc.default_doc_to_text", of: ["aps/super_glue", "super_glue"]) {
      row throws(EvaluationError) in
      let text = try row.string("text")
      let noun = try row.string("span1_text")
      let pronoun = try row.string("span2_text")
      let words = PythonString.words(text)
      let index = try row.integer("span2_index")
      let end = index < 0 ? max(0, words.count + index) : min(index, words.count)
      let before = words[..<end].joined(separator: " ")
      let start = PythonString.length(before) + PythonString.length(pronoun) + 1
      let after = PythonString.dropFirst(text, start)
      let passage = detokenizeSchema("\(before) *\(pronoun)*\(after)")
      return .string(
        "Passage: \(passage)\nQuestion: In the passage above, does the pronoun \"*\(pronoun)*\" refer to "
          + "\"*\(noun)*\"?\nAnswer:")
    }
  ]

  private static func detokenizeSchema(_ text: String) -> String {
    var text = text
    for (old, new) in [
      (" n't", "n't"), (" )", ")"), ("( ", "("), ("\" ", "\""), (" \"", "\""), (" '", "'"), (" .", "."), (" ,", ","),
    ] {
      text = PythonString.replace(text, old, with: new)
    }
    return text
  }
}
