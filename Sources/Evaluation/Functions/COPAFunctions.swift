import Templates

extension TaskFunction {
  /// Choice of Plausible Alternatives (Roemmele et al. 2011) in SuperGLUE. Rows: premise, choice1, choice2, question
  /// ("cause" or "effect"), label.
  static let copa = [
    TaskFunction.value("utils.doc_to_text", of: ["aps/super_glue", "super_glue"]) { row throws(EvaluationError) in
      let connector: String
      switch try row.string("question") {
      case "cause": connector = "because"
      case "effect": connector = "therefore"
      case let question: throw row.error("'question' is '\(question)', expected cause or effect")
      }
      // Without its full stop.
      let premise = PythonString.dropLast(PythonString.strip(try row.string("premise")), 1)
      return .string("\(premise) \(connector)")
    },
    TaskFunction.value("utils.doc_to_target", of: ["aps/super_glue", "super_glue"]) { row throws(EvaluationError) in
      .string(try continuedChoice(row, try row.value("label") == .integer(0) ? "choice1" : "choice2"))
    },
    TaskFunction.value("utils.doc_to_choice", of: ["aps/super_glue", "super_glue"]) { row throws(EvaluationError) in
      .list([.string(try continuedChoice(row, "choice1")), .string(try continuedChoice(row, "choice2"))])
    },
  ]

  /// A choice as the sentence goes on with it. Its own blank comes on top of the delimiter's, as in the harness.
  private static func continuedChoice(_ row: Row, _ key: String) throws(EvaluationError) -> String {
    let choice = try row.string(key)
    guard !choice.isEmpty else { throw row.error("'\(key)' is empty, expected a sentence") }
    return " " + PythonString.lowercase(PythonString.prefix(choice, 1)) + PythonString.dropFirst(choice, 1)
  }
}
