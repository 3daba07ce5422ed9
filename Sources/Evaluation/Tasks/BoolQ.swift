import Files

/// BoolQ (Clark et al. 2019), SuperGLUE's copy: a yes/no question about a passage. Rows: passage, question, label.
public struct BoolQ: EvaluationTask {
  public let configuration: TaskConfiguration = {
    var configuration = TaskConfiguration(
      name: "boolq", datasetPath: "aps/super_glue", datasetName: "boolq",
      docToText: "{{passage}}\nQuestion: {{question}}?\nAnswer:", docToTarget: "label",
      docToChoice: .array([.string("no"), .string("yes")]),
      metrics: [Metric("acc", .mean, higherIsBetter: true, isSpelledOut: false)],
      outputType: .multipleChoice, version: 2)
    configuration.tags = ["super-glue-lm-eval-v1"]
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.decontaminationQuery = "passage"
    return configuration
  }()

  public init() {}

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    TaskDocument(
      row: row,
      question: .multipleChoice(
        text: "\(try row.string("passage"))\nQuestion: \(try row.string("question"))?\nAnswer:",
        choices: ["no", "yes"], gold: try row.integer("label")))
  }
}
