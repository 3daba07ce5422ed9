import Files

/// PIQA (Bisk et al. 2020): which of two solutions reaches a goal. Rows: goal, sol1, sol2, label.
public struct PIQA: EvaluationTask {
  public let configuration: TaskConfiguration = {
    var configuration = TaskConfiguration(
      name: "piqa", datasetPath: "baber/piqa", docToText: "Question: {{goal}}\nAnswer:", docToTarget: "label",
      docToChoice: .string("{{[sol1, sol2]}}"), metrics: [.acc, .accNorm], outputType: .multipleChoice, version: 1)
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.decontaminationQuery = "goal"
    return configuration
  }()

  public init() {}

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    TaskDocument(
      row: row,
      question: .multipleChoice(
        text: "Question: \(try row.string("goal"))\nAnswer:",
        choices: [try row.string("sol1"), try row.string("sol2")],
        gold: try row.integer("label")))
  }
}
