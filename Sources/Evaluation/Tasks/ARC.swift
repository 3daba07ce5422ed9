import Files

/// AI2 Reasoning Challenge (Clark et al. 2018), the easy and the challenge set.
/// Rows: question, choices {text, label}, answerKey; three to five choices, labels are letters or digits.
public struct ARC: EvaluationTask {
  public let configuration: TaskConfiguration

  public static let easy = ARC(name: "arc_easy", set: "ARC-Easy")
  public static let challenge = ARC(name: "arc_challenge", set: "ARC-Challenge")

  private init(name: String, set: String) {
    var configuration = TaskConfiguration(
      name: name, datasetPath: "allenai/ai2_arc", datasetName: set,
      docToText: "Question: {{question}}\nAnswer:", docToTarget: "{{choices.label.index(answerKey)}}",
      docToChoice: .string("{{choices.text}}"), metrics: [.acc, .accNorm], outputType: .multipleChoice, version: 1)
    configuration.tags = ["ai2_arc"]
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.testSplit = "test"
    configuration.decontaminationQuery = "Question: {{question}}\nAnswer:"
    self.configuration = configuration
  }

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    let gold = try row.index(
      of: try row.string("answerKey"), in: try row.strings("choices", "label"),
      key: "answerKey", labelsKey: "choices.label")
    return TaskDocument(
      row: row,
      question: .multipleChoice(
        text: "Question: \(try row.string("question"))\nAnswer:", choices: try row.strings("choices", "text"),
        gold: gold))
  }
}
