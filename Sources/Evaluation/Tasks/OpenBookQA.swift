import Files

/// OpenBookQA (Mihaylov et al. 2018): the stem of a question alone, continued by each choice. Rows: question_stem,
/// choices {text, label}, answerKey. A stem that ends in a blank keeps it: the encoder moves it over.
public struct OpenBookQA: EvaluationTask {
  public let configuration: TaskConfiguration = {
    var configuration = TaskConfiguration(
      name: "openbookqa", datasetPath: "allenai/openbookqa", datasetName: "main",
      docToText: "question_stem", docToTarget: "{{choices.label.index(answerKey.lstrip())}}",
      docToChoice: .string("{{choices.text}}"), metrics: [.acc, .accNorm], outputType: .multipleChoice, version: 1)
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.testSplit = "test"
    configuration.decontaminationQuery = "question_stem"
    return configuration
  }()

  public init() {}

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    let gold = try row.index(
      of: PythonString.stripLeading(try row.string("answerKey")), in: try row.strings("choices", "label"),
      key: "answerKey", labelsKey: "choices.label")
    return TaskDocument(
      row: row,
      question: .multipleChoice(
        text: try row.string("question_stem"), choices: try row.strings("choices", "text"), gold: gold))
  }
}
