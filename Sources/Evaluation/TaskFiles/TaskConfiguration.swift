import Files
import Templates

/// A task's declared facts, named as the keys of the harness's task YAML.
public struct TaskConfiguration: Sendable {
  public let name: String
  /// What tables show instead of the name.
  public let alias: String?
  public let tags: [String]
  public let datasetPath: String?
  public let datasetName: String?
  public let trainingSplit: String?
  public let validationSplit: String?
  public let testSplit: String?
  /// The split that few-shot examples come from, where the task names one.
  public let fewShotSplit: String?
  public let targetDelimiter: String
  /// The task's own number of few-shot examples, `num_fewshot`.
  public let fewShot: Int?
  /// In the order in which documents have their values.
  public let metrics: [Metric]
  public let outputType: OutputType
  /// `metadata.version`; "Yaml" where the task has none.
  public let version: JSON
  /// All keys as they are written, for the results.
  let keys: JSONObject

  /// The split that is scored: test if the task names one, else validation.
  public var evaluatedSplit: String { testSplit ?? validationSplit ?? "test" }

  /// The split that few-shot examples come from: the one the task names for them, else training, validation, test.
  public var poolSplit: String { fewShotSplit ?? trainingSplit ?? validationSplit ?? testSplit ?? "test" }

  /// Whether a row is dropped from its own few-shot examples. The harness does so when the few-shot split's name equals
  /// the test split's, which holds too when neither is named.
  var dropsEvaluatedRow: Bool { fewShotSplit == testSplit }

  /// The number of few-shot examples in force: the one asked for, or the task's own. A task that says 0 itself stays
  /// at 0, as in the harness.
  public func fewShot(asked: Int?) -> Int {
    if fewShot == 0 { return 0 }
    return asked ?? fewShot ?? 0
  }

  /// The harness's dump of the task, as in results.json under `configs`: its keys in the harness's order, with the
  /// defaults of those that always have a value.
  func json(fewShot: Int) -> JSONObject {
    var object = JSONObject()
    for key in Self.dumpedKeys {
      if let value = key == "num_fewshot" ? .integer(Int64(fewShot)) : keys[key], value != .null { object[key] = value }
    }
    return object
  }

  /// The keys of a task's YAML, in the order of the harness's `TaskConfig`.
  static let dumpedKeys = [
    "task", "task_alias", "custom_dataset", "dataset_path", "dataset_name", "dataset_kwargs", "training_split",
    "validation_split", "test_split", "fewshot_split", "process_docs", "doc_to_text", "doc_to_target", "doc_to_image",
    "doc_to_audio", "unsafe_code", "doc_to_choice", "process_results", "use_prompt", "description", "target_delimiter",
    "fewshot_delimiter", "fewshot_config", "num_fewshot", "metric_list", "output_type", "generation_kwargs", "repeats",
    "filter_list", "should_decontaminate", "doc_to_decontamination_query", "gen_prefix", "metadata",
  ]
}
