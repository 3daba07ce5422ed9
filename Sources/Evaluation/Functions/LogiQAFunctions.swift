import Templates

extension TaskFunction {
  /// LogiQA (Liu et al. 2020): logical reading comprehension. Rows: context, question, options[4], label ("a"…"d").
  static let logiQA = [
    TaskFunction.value("utils_logiqa.doc_to_text", of: ["EleutherAI/logiqa"]) { row throws(EvaluationError) in
      var text = "Passage: \(try row.string("context"))\nQuestion: \(try row.string("question"))\nChoices:\n"
      for (letter, option) in zip(["A", "B", "C", "D"], try row.strings("options")) { text += "\(letter). \(option)\n" }
      return .string(text + "Answer:")
    },
    TaskFunction.value("utils_logiqa.doc_to_target", of: ["EleutherAI/logiqa"]) { row throws(EvaluationError) in
      let label = PythonString.strip(try row.string("label"))
      guard let index = ["a", "b", "c", "d"].firstIndex(of: label) else {
        throw row.error("'label' is '\(label)', expected a, b, c or d")
      }
      return .integer(index)
    },
  ]
}
