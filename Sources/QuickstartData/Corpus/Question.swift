import Files

/// A multiple-choice question: which of four continuations is the text's own.
///
/// Rows have the columns of OpenBookQA, whose prompt is the stem alone and a blank before each choice: a model that has only seen
/// running text is asked about running text.
public struct Question: Sendable, Equatable {
  /// Where `inheritune eval --tasks openbookqa --data DIR` reads the rows, below DIR.
  public static let rowFile = "openbookqa/test.jsonl"

  private static let letters = ["A", "B", "C", "D"]

  /// The text so far; a blank follows it.
  public let stem: String
  public let choices: [String]
  /// Index of the right choice.
  public let answer: Int

  /// One line of the row file, without its line end.
  func row(number: Int) -> String {
    let row: JSONObject = [
      "id": .string("\(number)"),
      "question_stem": .string(stem),
      "choices": .object([
        "text": .array(choices.map(JSON.string)), "label": .array(Self.letters.map(JSON.string)),
      ]),
      "answerKey": .string(Self.letters[answer]),
    ]
    return JSON.object(row).serialized()
  }
}
