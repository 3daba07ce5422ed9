import Files

/// LAMBADA (Paperno et al. 2016): the last word of a passage. `openAI` is the detokenised, cased text that GPT-2 was
/// scored on. Rows: text.
public struct LAMBADA: EvaluationTask {
  public let configuration: TaskConfiguration

  public static let openAI: LAMBADA = {
    var configuration = LAMBADA.configuration(
      name: "lambada_openai", datasetPath: "EleutherAI/lambada_openai", datasetName: "default")
    configuration.testSplit = "test"
    return LAMBADA(configuration: configuration)
  }()

  private static func configuration(name: String, datasetPath: String, datasetName: String?) -> TaskConfiguration {
    var configuration = TaskConfiguration(
      name: name, datasetPath: datasetPath, datasetName: datasetName,
      docToText: "{{text.split(' ')[:-1]|join(' ')}}", docToTarget: "{{' '+text.split(' ')[-1]}}",
      metrics: [.perplexity, .acc], outputType: .logLikelihood, version: 1)
    configuration.tags = ["lambada"]
    configuration.decontaminationQuery = "{{text}}"
    return configuration
  }

  private init(configuration: TaskConfiguration) { self.configuration = configuration }

  public func document(_ row: Row) throws(EvaluationError) -> TaskDocument {
    var words = PythonString.split(try row.string("text"), on: " ")
    let last = words.removeLast()
    return TaskDocument(
      row: row, question: .logLikelihood(text: words.joined(separator: " "), target: " " + last))
  }
}
