import Files

/// A metric of a task: its name in results, how values become one number, and which way is better.
public struct Metric: Sendable, Equatable {
  public let name: String
  public let aggregation: Aggregation
  public let higherIsBetter: Bool
  /// Whether the task's YAML writes aggregation and direction out; only `configs` in results.json shows the difference.
  public let isSpelledOut: Bool

  public init(_ name: String, _ aggregation: Aggregation, higherIsBetter: Bool, isSpelledOut: Bool = true) {
    self.name = name
    self.aggregation = aggregation
    self.higherIsBetter = higherIsBetter
    self.isSpelledOut = isSpelledOut
  }

  /// 1 if the most likely choice is right.
  public static let acc = Metric("acc", .mean, higherIsBetter: true)
  /// 1 if the choice with the largest log-likelihood per code point is right.
  public static let accNorm = Metric("acc_norm", .mean, higherIsBetter: true)
  /// exp(−mean log-likelihood of the target).
  public static let perplexity = Metric("perplexity", .perplexity, higherIsBetter: false)
  public static let wordPerplexity = Metric(
    "word_perplexity", .weightedPerplexity, higherIsBetter: false, isSpelledOut: false)
  public static let bytePerplexity = Metric(
    "byte_perplexity", .weightedPerplexity, higherIsBetter: false, isSpelledOut: false)
  public static let bitsPerByte = Metric("bits_per_byte", .bitsPerByte, higherIsBetter: false, isSpelledOut: false)
}

/// A task's declared facts, named as the keys of the harness's task YAML. Prompt fields are shown in
/// results.json; the code in `document` is what is computed, and a test holds the two together.
public struct TaskConfiguration: Sendable {
  public var name: String
  public var tags: [String] = []
  public var datasetPath: String
  public var datasetName: String?
  public var trainingSplit: String?
  public var validationSplit: String?
  public var testSplit: String?
  public var processDocs: String?
  public var docToText: String
  public var docToTarget: String
  public var docToChoice: JSON?
  public var processResults: String?
  public let targetDelimiter = " "
  public let fewShotDelimiter = "\n\n"
  public var metrics: [Metric]
  public var outputType: OutputType
  public var decontaminationQuery: String?
  public var version: Double

  public init(
    name: String, datasetPath: String, datasetName: String? = nil, docToText: String, docToTarget: String,
    docToChoice: JSON? = nil, metrics: [Metric], outputType: OutputType, version: Double
  ) {
    self.name = name
    self.datasetPath = datasetPath
    self.datasetName = datasetName
    self.docToText = docToText
    self.docToTarget = docToTarget
    self.docToChoice = docToChoice
    self.metrics = metrics
    self.outputType = outputType
    self.version = version
  }

  /// The split that is scored: test if the task names one, else validation.
  public var evaluatedSplit: String { testSplit ?? validationSplit ?? "test" }

  /// The split that few-shot examples come from: training, else validation, else test.
  public var poolSplit: String { trainingSplit ?? validationSplit ?? testSplit ?? "test" }

  /// The harness's dump of the task, as in results.json under `configs`. Keys that are unset are left out, as there.
  func json(fewShot: Int) -> JSONObject {
    var object = JSONObject()
    func set(_ key: String, _ value: String?) { if let value { object[key] = .string(value) } }
    set("task", name)
    set("dataset_path", datasetPath)
    set("dataset_name", datasetName)
    set("training_split", trainingSplit)
    set("validation_split", validationSplit)
    set("test_split", testSplit)
    set("process_docs", processDocs)
    set("doc_to_text", docToText)
    set("doc_to_target", docToTarget)
    object["unsafe_code"] = .bool(false)
    if let docToChoice { object["doc_to_choice"] = docToChoice }
    set("process_results", processResults)
    set("description", "")
    set("target_delimiter", targetDelimiter)
    set("fewshot_delimiter", fewShotDelimiter)
    object["fewshot_config"] = .object(fewShotJSON)
    object["num_fewshot"] = .integer(Int64(fewShot))
    object["metric_list"] = .array(metrics.map(Self.json))
    object["output_type"] = .string(outputType.rawValue)
    object["repeats"] = .integer(1)
    object["should_decontaminate"] = .bool(decontaminationQuery != nil)
    set("doc_to_decontamination_query", decontaminationQuery)
    object["metadata"] = .object(["version": .number(version)])
    return object
  }

  private var fewShotJSON: JSONObject {
    [
      "sampler": .string("default"),
      "split": .null,
      "process_docs": processDocs.map(JSON.string) ?? .null,
      "fewshot_indices": .null,
      "samples": .null,
      "doc_to_text": .string(docToText),
      "doc_to_choice": docToChoice ?? .null,
      "doc_to_target": .string(docToTarget),
      "gen_prefix": .null,
      "fewshot_delimiter": .string(fewShotDelimiter),
      "target_delimiter": .string(targetDelimiter),
    ]
  }

  private static func json(_ metric: Metric) -> JSON {
    var object: JSONObject = ["metric": .string(metric.name)]
    if metric.isSpelledOut {
      object["aggregation"] = .string(metric.aggregation.rawValue)
      object["higher_is_better"] = .bool(metric.higherIsBetter)
    }
    return .object(object)
  }
}
