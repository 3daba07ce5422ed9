import Files

/// WinoGrande (Sakaguchi et al. 2020): which of two names fills the blank, by how likely the rest of the sentence
/// becomes. Rows: sentence with one "_", option1, option2, answer ("1" or "2").
public struct WinoGrande: EvaluationTask {
  public let configuration: TaskConfiguration = {
    var configuration = TaskConfiguration(
      name: "winogrande", datasetPath: "allenai/winogrande", datasetName: "winogrande_xl",
      docToText: "!function preprocess_winogrande.doc_to_text",
      docToTarget: "!function preprocess_winogrande.doc_to_target",
      docToChoice: .string("!function preprocess_winogrande.doc_to_choice"),
      metrics: [.acc], outputType: .multipleChoice, version: 1)
    configuration.trainingSplit = "train"
    configuration.validationSplit = "validation"
    configuration.decontaminationQuery = "sentence"
    return configuration
  }()

  public init() {}

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    let sentence = try row.string("sentence").unicodeScalars
    guard let blank = sentence.firstIndex(of: "_") else {
      throw row.error("'sentence' has no blank \"_\" to fill")
    }
    let before = String(sentence[..<blank])
    let rest = PythonString.strip(String(sentence[sentence.index(after: blank)...]))
    let answer = try row.string("answer")
    guard answer == "1" || answer == "2" else {
      throw row.error("'answer' is '\(answer)', expected \"1\" or \"2\"; the hub's test split has no answers")
    }
    return TaskDocument(
      row: row,
      question: .multipleInputs(
        contexts: [before + (try row.string("option1")), before + (try row.string("option2"))],
        target: rest, gold: answer == "1" ? 0 : 1))
  }
}
