import Templates

extension TaskFunction {
  /// WinoGrande (Sakaguchi et al. 2020): which of two names fills the blank, by how likely the rest of the sentence
  /// becomes. Rows: sentence with one "_", option1, option2, answer ("1" or "2"). XWinograd (Tikhonov and Ryabinin 2021)
  /// has such rows in six languages.
  static let winoGrande =
    filledBlank("preprocess_winogrande", of: ["allenai/winogrande", "winogrande"])
    + filledBlank("utils", of: ["Muennighoff/xwinograd"])

  private static func filledBlank(_ module: String, of datasets: [String]) -> [TaskFunction] {
    [
      TaskFunction.value("\(module).doc_to_text", of: datasets) { row throws(EvaluationError) in
        switch try row.string("answer") {
        case "1": return .integer(0)
        case "2": return .integer(1)
        case let answer:
          throw row.error("'answer' is '\(answer)', expected \"1\" or \"2\"; the hub's test split has no answers")
        }
      },
      TaskFunction.value("\(module).doc_to_target", of: datasets) { row throws(EvaluationError) in
        .string(PythonString.strip(try sentenceAroundBlank(row).after))
      },
      TaskFunction.value("\(module).doc_to_choice", of: datasets) { row throws(EvaluationError) in
        let before = try sentenceAroundBlank(row).before
        return .list([.string(before + (try row.string("option1"))), .string(before + (try row.string("option2")))])
      },
    ]
  }

  private static func sentenceAroundBlank(_ row: Row) throws(EvaluationError) -> (before: String, after: String) {
    let sentence = try row.string("sentence").unicodeScalars
    guard let blank = sentence.firstIndex(of: "_") else {
      throw row.error("'sentence' has no blank \"_\" to fill")
    }
    return (String(sentence[..<blank]), String(sentence[sentence.index(after: blank)...]))
  }
}
