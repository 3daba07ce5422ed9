import Files

/// HellaSwag (Zellers et al. 2019): which ending continues a scene. Rows: activity_label, ctx_a, ctx_b, endings, label
/// ("0"…"3").
public struct HellaSwag: EvaluationTask {
  public let configuration: TaskConfiguration = {
    var configuration = TaskConfiguration(
      name: "hellaswag", datasetPath: "Rowan/hellaswag", docToText: "{{query}}", docToTarget: "{{label}}",
      docToChoice: .string("choices"), metrics: [.acc, .accNorm], outputType: .multipleChoice, version: 1)
    configuration.tags = ["multiple_choice"]
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.processDocs = "!function utils.process_docs"
    return configuration
  }()

  public init() {}

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    let scene = "\(try row.string("ctx_a")) \(PythonString.capitalize(try row.string("ctx_b")))"
    let query = Self.clean("\(try row.string("activity_label")): \(scene)")
    let choices = try row.strings("endings").map(Self.clean)
    let gold = try row.digits("label")
    // The harness adds these three columns to the row, so they are part of its samples and document hashes.
    var processed = row
    processed.columns["query"] = .string(query)
    processed.columns["choices"] = .array(choices.map(JSON.string))
    processed.columns["gold"] = .integer(Int64(gold))
    return TaskDocument(row: processed, question: .multipleChoice(text: query, choices: choices, gold: gold))
  }

  /// Removes the WikiHow marks. The strip comes first, so a deleted leading tag leaves its space; the doubled blanks
  /// are replaced in one pass, so runs of three or more do not collapse. Both as in the harness.
  static func clean(_ text: String) -> String {
    var text = PythonString.strip(text)
    text = PythonString.replace(text, " [title]", with: ". ")
    text = PythonString.removeBracketed(text)
    return PythonString.replace(text, "  ", with: " ")
  }
}
