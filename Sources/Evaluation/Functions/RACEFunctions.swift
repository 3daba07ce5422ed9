import Templates

extension TaskFunction {
  /// RACE (Lai et al. 2017): English examinations. Rows: article, problems. `problems` is the text of a Python list of
  /// dictionaries {question, answer "A"…"D", options[4]}; all but the last are shown solved.
  static let race = [
    TaskFunction.value("preprocess_race.doc_to_text", of: ["EleutherAI/race"]) { row throws(EvaluationError) in
      let problems = try raceProblems(row)
      var text = "Article: \(try row.string("article"))\n\n"
      for problem in problems.dropLast() {
        let answer = problem.options[problem.answer]
        if PythonString.hasSuffix(problem.question, "  _  .") {
          text += PythonString.dropLast(problem.question, 5) + answer + "\n"
        } else {
          text += "Question: \(problem.question)\nAnswer: \(answer)\n"
        }
      }
      return .string(text + problems[problems.count - 1].question)
    },
    TaskFunction.value("preprocess_race.doc_to_target", of: ["EleutherAI/race"]) { row throws(EvaluationError) in
      let problems = try raceProblems(row)
      return .integer(problems[problems.count - 1].answer)
    },
    TaskFunction.value("preprocess_race.doc_to_choice", of: ["EleutherAI/race"]) { row throws(EvaluationError) in
      let problems = try raceProblems(row)
      return .list(problems[problems.count - 1].options.map(PythonValue.string))
    },
  ]

  /// - Returns: at least one problem; `answer` is an index into the four options.
  private static func raceProblems(
    _ row: Row
  ) throws(EvaluationError) -> [(question: String, answer: Int, options: [String])] {
    let literal: PythonValue
    do { literal = try PythonLiteral.parse(try row.string("problems")) } catch let error as TemplateError {
      throw row.error("'problems' is not a Python list: \(error)")
    } catch let error as EvaluationError {
      throw error
    } catch {
      throw row.error("'problems': \(error)")
    }
    guard let elements = literal.elements, !elements.isEmpty else {
      throw row.error("'problems' is \(Row.kind(literal)), expected the text of a Python list with a problem")
    }
    var problems: [(question: String, answer: Int, options: [String])] = []
    for (index, element) in elements.enumerated() {
      guard let question = element.dictionary?["question"]?.string,
        let letter = element.dictionary?["answer"]?.string, let answer = ["A", "B", "C", "D"].firstIndex(of: letter),
        let options = element.dictionary?["options"]?.elements, options.count >= 4
      else {
        throw row.error("'problems[\(index)]' has not a question, an answer from A to D and four options")
      }
      problems.append((question, answer, try row.strings(Array(options.prefix(4)), of: "problems[\(index)].options")))
    }
    return problems
  }
}
