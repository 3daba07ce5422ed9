import Templates

extension TaskFunction {
  /// ARC's translations (Lai et al. 2023). Rows: id, instruction, option_a…e, answer.
  static let multilingualARC = [
    TaskFunction.map("utils.process_docs", of: ["alexandrainst/m_arc"]) { row throws(EvaluationError) in
      let question = cleanWikiHow(try row.string("instruction"))
      var choices: [PythonValue] = []
      for letter in ["a", "b", "c", "d", "e"] where try row.value("option_\(letter)").isTrue {
        choices.append(.string(cleanWikiHow(try row.string("option_\(letter)"))))
      }
      row.columns["query"] = .string("Question: \(question)\nAnswer:")
      row.columns["choices"] = .list(choices)
      row.columns["gold"] = .integer(try letterIndex(row, "answer", ["A", "B", "C", "D", "E"]))
    }
  ]

  /// MMLU's kind of rows in other languages, and MMLU-SR (Wang et al. 2024).
  static let multilingualMMLU = [
    // Rows: question, choice1…4, answer.
    TaskFunction.map("utils.process_docs", of: ["NiniCat/MMLU-SR"]) { row throws(EvaluationError) in
      var choices: [PythonValue] = []
      for index in 1...4 { choices.append(.string(try stringOrEmpty(row, "choice\(index)"))) }
      row.columns["choices"] = .list(choices)
      row.columns["answer"] = .string(PythonString.strip(try stringOrEmpty(row, "answer")))
    },
    // TMMLU+ (Tam et al. 2024). Rows: question, A…D, answer.
    TaskFunction.map("utils.process_docs", of: ["ikala/tmmluplus"]) { row throws(EvaluationError) in
      try addTaiwanese(&row, letters: ["A", "B", "C", "D"])
    },
    // TMLU (Chen et al. 2024): with up to six choices.
    TaskFunction.map("utils.process_docs", of: ["miulab/tmlu"]) { row throws(EvaluationError) in
      let more = ["E", "F"].filter { [row] in row.columns[$0]?.isTrue ?? false }
      try addTaiwanese(&row, letters: ["A", "B", "C", "D"] + more)
    },
    // ACVA (Huang et al. 2024): true or false. Rows: question, answer.
    TaskFunction.map(
      "utils.process_docs", of: ["OALL/ACVA", "arcee-globe/ACVA-10percent"]
    ) { row throws(EvaluationError) in
      let answers = ["صح", "خطأ"]
      row.columns["query"] = .string("السؤال: \(try row.value("question").text)\nالإجابة:")
      row.columns["choices"] = .list(answers.map(PythonValue.string))
      row.columns["gold"] = .integer(try letterIndex(row, "answer", answers))
    },
    // Rows: subject, question, A…D, answer.
    TaskFunction.map(
      "utils.process_docs", of: ["OALL/Arabic_MMLU", "arcee-globe/Arabic_MMLU-10percent"]
    ) { row throws(EvaluationError) in
      let letters = ["أ", "ب", "ج", "د"]
      let alphabet = (0..<26).map { String(UnicodeScalar(UInt8(ascii: "A") + $0)) }
      let topic = PythonString.replace(try row.string("subject"), "_", with: " ")
      var query = "الأسئلة التالية هي أسئلة متعددة الإختيارات مع الجواب الصحيح حول \(topic). \n\n"
      query += "\(try row.value("question").text)\n"
      for (letter, key) in zip(letters, ["A", "B", "C", "D"]) { query += "\(letter). \(try row.value(key).text)\n" }
      row.columns["query"] = .string(query + "الإجابة:")
      row.columns["choices"] = .list(letters.map(PythonValue.string))
      row.columns["gold"] = .integer(try letterIndex(row, "answer", alphabet))
    },
  ]

  private static func addTaiwanese(_ row: inout Row, letters: [String]) throws(EvaluationError) {
    var choices: [PythonValue] = []
    for letter in letters { choices.append(try row.value(letter)) }
    row.columns["questions"] = try row.value("question")
    row.columns["choices"] = .list(choices)
    row.columns["goal"] = .integer(try letterIndex(row, "answer", letters))
  }

  /// The place of a column's text among `letters`.
  static func letterIndex(_ row: Row, _ key: String, _ letters: [String]) throws(EvaluationError) -> Int {
    let letter = try row.string(key)
    guard let index = letters.firstIndex(where: { PythonString.equal($0, letter) }) else {
      throw row.error("'\(key)' is \(Row.kind(.string(letter))), expected one of \(letters.joined(separator: ", "))")
    }
    return index
  }

  private static func stringOrEmpty(_ row: Row, _ key: String) throws(EvaluationError) -> String {
    try row.value(key) == .none ? "" : try row.string(key)
  }
}
