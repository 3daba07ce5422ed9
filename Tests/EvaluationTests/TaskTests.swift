import Files
import Testing

@testable import Evaluation

/// The prompts of every task, on rows with the spec's edge cases.
struct TaskTests {
  private func row(_ json: String) throws -> Row {
    Row(columns: try #require(try JSON(parsing: json).object), path: "data/t.jsonl", line: 7)
  }

  private func multipleChoice(
    _ task: some EvaluationTask, _ json: String
  ) throws -> (text: String, choices: [String], gold: Int) {
    guard case .multipleChoice(let text, let choices, let gold) = try task.document(row(json)).question else {
      Issue.record("\(task.name) is not multiple choice")
      return ("", [], -1)
    }
    return (text, choices, gold)
  }

  private func message(_ task: some EvaluationTask, _ json: String) throws -> String {
    let row = try row(json)
    do {
      _ = try task.document(row)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func piqa() throws {
    let (text, choices, gold) = try multipleChoice(PIQA(), #"{"goal": "g", "sol1": "a", "sol2": "b", "label": 1}"#)
    #expect(text == "Question: g\nAnswer:")
    #expect(choices == ["a", "b"])
    #expect(gold == 1)
  }

  @Test func hellaSwagCleansAndAddsItsColumns() throws {
    let json = #"""
      {"activity_label": " Roof [x]", "ctx_a": "A man [title] climbs.", "ctx_b": "he LOOKS  down", "label": "2",
       "endings": ["[substeps] Wait", "a    b", " jumps [title] Off. "]}
      """#
    let document = try HellaSwag().document(row(json))
    let (text, choices, gold) = try multipleChoice(HellaSwag(), json)
    #expect(text == "Roof : A man. climbs. He looks down")
    #expect(choices == [" Wait", "a  b", "jumps. Off."])
    #expect(gold == 2)
    #expect(document.row.columns["query"]?.string == text)
    #expect(document.row.columns["gold"]?.integer == 2)
    #expect(document.row.columns.map(\.key).suffix(3) == ["query", "choices", "gold"])
    #expect(document.target == .integer(2))
    let empty = try multipleChoice(
      HellaSwag(), #"{"activity_label": "L", "ctx_a": "c.", "ctx_b": "", "label": 0, "endings": ["e"]}"#)
    #expect(empty.text == "L: c.")
  }

  @Test func winoGrandePutsTheOptionInTheContext() throws {
    let document = try WinoGrande().document(
      row(#"{"sentence": "The _ was _ big . ", "option1": "lamp", "option2": "box", "answer": "2"}"#))
    guard case .multipleInputs(let contexts, let target, let gold) = document.question else {
      Issue.record("not multiple inputs")
      return
    }
    #expect(contexts == ["The lamp", "The box"])
    #expect(target == "was _ big .")
    #expect(gold == 1)
    #expect(document.target == .string("was _ big ."))
    #expect(
      try message(WinoGrande(), #"{"sentence": "none", "option1": "a", "option2": "b", "answer": "1"}"#)
        == "data/t.jsonl:7: 'sentence' has no blank \"_\" to fill")
    #expect(
      try message(WinoGrande(), #"{"sentence": "a _", "option1": "a", "option2": "b", "answer": ""}"#)
        .contains("expected \"1\" or \"2\""))
  }

  @Test func arcFindsTheKeyAmongTheLabels() throws {
    let json = #"{"question": "q", "choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]}, "answerKey": "3"}"#
    let (text, choices, gold) = try multipleChoice(ARC.easy, json)
    #expect(text == "Question: q\nAnswer:")
    #expect(choices == ["x", "y", "z"])
    #expect(gold == 2)
    #expect(try multipleChoice(ARC.challenge, json).gold == 2)
    #expect(
      try message(ARC.easy, #"{"question": "q", "choices": {"text": ["x"], "label": ["A"]}, "answerKey": "E"}"#)
        == "data/t.jsonl:7: 'answerKey' is 'E', which is not in 'choices.label' ('A')")
  }

  @Test func boolQ() throws {
    let (text, choices, gold) = try multipleChoice(BoolQ(), #"{"question": "is it", "passage": "It is.", "label": 0}"#)
    #expect(text == "It is.\nQuestion: is it?\nAnswer:")
    #expect(choices == ["no", "yes"])
    #expect(gold == 0)
  }

  @Test func openBookQAStripsTheKeyButNotTheStem() throws {
    let (text, choices, gold) = try multipleChoice(
      OpenBookQA(),
      #"{"question_stem": "because of ", "choices": {"text": ["s", "t"], "label": ["A", "B"]}, "answerKey": " B"}"#)
    #expect(text == "because of ")
    #expect(choices == ["s", "t"])
    #expect(gold == 1)
  }

  @Test(arguments: [
    (#"it was  a\ncafé"#, "it was ", " a\ncafé"), ("word", "", " word"), ("", "", " "), ("a b ", "a b", " "),
    (#"a b\u00a0c"#, "a", " b\u{A0}c"),
  ])
  func lambadaSplitsOnSingleBlanks(text: String, context: String, target: String) throws {
    let document = try LAMBADA.openAI.document(row(#"{"text": "\#(text)"}"#))
    guard case .logLikelihood(let foundContext, let foundTarget) = document.question else {
      Issue.record("not a log-likelihood")
      return
    }
    #expect(foundContext == context)
    #expect(foundTarget == target)
  }

  /// Expectation computed with the harness's detokenizer under CPython.
  @Test func wikiTextDetokenizesButCountsTheOriginal() throws {
    let page =
      #" = The Isles ' Tale = \n\n It is 1 @,@ 204 m @.@ ( about 4 @-@ 5 ) ; \" well \" : N ° "#
      + #"' a ' .\n = = X = = \n /' 5/ 's"#
    let document = try WikiText().document(row(#"{"page": "\#(page)"}"#))
    guard case .rolling(let text, let words, let bytes) = document.question else {
      Issue.record("not rolling")
      return
    }
    #expect(text == " = The Isles'Tale =\n\nIt is 1,204 m.(about 4-5); \"well\": 1 °' a '.\n== X ==\n/'[0-9]/'s")
    #expect(words == 39)
    #expect(bytes == 112)
  }

  @Test func complaintsNameFileLineAndKey() throws {
    #expect(
      try message(PIQA(), #"{"goal": "g", "sol1": "a", "label": 1}"#)
        == "data/t.jsonl:7: column 'sol2' is missing; the row has goal, sol1, label")
    #expect(
      try message(PIQA(), #"{"goal": 3, "sol1": "a", "sol2": "b", "label": 1}"#)
        == "data/t.jsonl:7: 'goal' is the integer 3, expected a string")
    #expect(
      try message(PIQA(), #"{"goal": "g", "sol1": "a", "sol2": "b", "label": "1"}"#)
        == "data/t.jsonl:7: 'label' is the string '1', expected an integer")
    #expect(
      try message(ARC.easy, #"{"question": "q", "choices": ["x"], "answerKey": "A"}"#)
        == "data/t.jsonl:7: 'choices' is a list, expected an object with 'label'")
    #expect(
      try message(ARC.easy, #"{"question": "q", "choices": {"text": [], "label": ["A"]}, "answerKey": "A"}"#)
        == "data/t.jsonl:7: 'choices.text' is an empty list, expected at least one string")
    #expect(
      try message(ARC.easy, #"{"question": "q", "choices": {"text": ["a", null], "label": ["A"]}, "answerKey": "A"}"#)
        == "data/t.jsonl:7: 'choices.text[1]' is null, expected a string")
    #expect(
      try message(HellaSwag(), #"{"activity_label": "L", "ctx_a": "", "ctx_b": "", "label": "", "endings": ["e"]}"#)
        == "data/t.jsonl:7: 'label' is the string '', expected an integer, or digits in a string")
    #expect(try message(WikiText(), "{}") == "data/t.jsonl:7: column 'page' is missing; the row has no columns")
  }
}
