import Files

/// What a report says about the model that was scored.
public struct ModelDescription: Sendable {
  /// What the user named: a directory, a file, or a hub id.
  public var name: String
  public var parameterCount: Int?
  /// The weights' type, as the harness writes it: "float32", "bfloat16".
  public var dtype: String
  public var device: String
  /// As asked for on the command line: a number, or "auto".
  public var batchSize: String
  /// This program's version.
  public var version: String

  public init(
    name: String, parameterCount: Int? = nil, dtype: String, device: String, batchSize: String = "auto", version: String
  ) {
    self.name = name
    self.parameterCount = parameterCount
    self.dtype = dtype
    self.device = device
    self.batchSize = batchSize
    self.version = version
  }
}

/// An evaluation in the harness's formats: its results object, its table, its sample rows.
public struct EvaluationReport: Sendable {
  public let result: EvaluationResult
  public let model: ModelDescription

  public init(_ result: EvaluationResult, model: ModelDescription) {
    self.result = result
    self.model = model
  }

  /// The line that the harness prints above its table, without a newline.
  public var headline: String {
    let options = result.options
    let limit = options.limit.map { JSON.number($0).serialized() } ?? "None"
    let shots = options.fewShot.map(String.init) ?? "None"
    return "inheritune (\(modelArguments)), gen_kwargs: (None), limit: \(limit), num_fewshot: \(shots), "
      + "batch_size: \(model.batchSize)"
  }

  /// The Markdown table, as the harness prints it.
  public var table: String { ResultsTable(.object(results)).text }

  /// The harness's results object, the content of `results.json`.
  public var results: JSONObject {
    func byTask(_ value: (TaskResult) -> JSON) -> JSON {
      var object = JSONObject()
      for task in result.tasks { object[task.configuration.name] = value(task) }
      return .object(object)
    }
    var object = JSONObject()
    object["results"] = byTask { .object(Self.metrics($0)) }
    object["group_subtasks"] = .object(JSONObject())
    object["configs"] = byTask { .object($0.configuration.json(fewShot: $0.fewShot)) }
    object["versions"] = byTask { .number($0.configuration.version) }
    object["n-shot"] = byTask { .integer(Int64($0.fewShot)) }
    object["higher_is_better"] = byTask { task in
      var directions = JSONObject()
      for metric in task.configuration.metrics { directions[metric.name] = .bool(metric.higherIsBetter) }
      return .object(directions)
    }
    object["n-samples"] = byTask {
      .object(["original": .integer(Int64($0.originalCount)), "effective": .integer(Int64($0.effectiveCount))])
    }
    object["config"] = .object(configuration)
    object["git_hash"] = .null
    object["date"] = .number(result.startedAt)
    object["tokenizer_bos_token"] = Self.token(result.bosToken)
    object["tokenizer_eos_token"] = Self.token(result.eosToken)
    object["eot_token_id"] = (result.eosToken?.id).map { .integer(Int64($0)) } ?? .null
    object["max_length"] = .integer(Int64(result.contextLength))
    if result.options.keepsDocuments { object["task_hashes"] = byTask { .string(SampleRow.taskHash($0)) } }
    object["model_source"] = .string("inheritune")
    object["model_name"] = .string(model.name)
    object["model_name_sanitized"] = .string(sanitizedModelName)
    object["system_instruction"] = .null
    object["chat_template"] = .null
    object["total_evaluation_time_seconds"] = .string(JSON.number(result.seconds).serialized())
    object["inheritune"] = .object([
      "version": .string(model.version),
      "bos": .string(result.options.bos.rawValue),
      "adds_bos": .bool(result.addsBOS),
      "prefix_token_id": .integer(Int64(result.prefixToken)),
      "notes": .array(result.notes.map(JSON.string)),
    ])
    return object
  }

  private static func metrics(_ task: TaskResult) -> JSONObject {
    let configuration = task.configuration
    var object: JSONObject = [
      "name": .string(configuration.name),
      "alias": .string(configuration.name),
      "sample_len": .integer(Int64(task.effectiveCount)),
    ]
    for metric in task.metrics {
      object["\(metric.metric.name),none"] = .number(metric.value)
      object["\(metric.metric.name)_stderr,none"] = metric.standardError.map(JSON.number) ?? .string("N/A")
    }
    return object
  }

  private var configuration: JSONObject {
    let options = result.options
    return [
      "model": .string("inheritune"),
      "model_args": .string(modelArguments),
      "model_num_parameters": model.parameterCount.map { .integer(Int64($0)) } ?? .null,
      "model_dtype": .string(model.dtype),
      "batch_size": .string(model.batchSize),
      "batch_sizes": .array([]),
      "device": .string(model.device),
      "use_cache": .null,
      "limit": options.limit.map(JSON.number) ?? .null,
      "bootstrap_iters": .integer(Int64(options.bootstrapIterations)),
      "gen_kwargs": .null,
      "random_seed": .integer(0),
      "numpy_seed": .integer(1234),
      "torch_seed": .integer(1234),
      "fewshot_seed": .integer(Int64(options.fewShotSeed)),
    ]
  }

  private var modelArguments: String {
    let bos: String
    switch result.options.bos {
    case .auto: bos = ""
    case .yes: bos = ",add_bos_token=True"
    case .no: bos = ",add_bos_token=False"
    }
    return "pretrained=\(model.name),dtype=\(model.dtype)\(bos)"
  }

  /// The harness's file-name form of a model name: runs of characters that file systems dislike become "__".
  private var sanitizedModelName: String {
    var name = String.UnicodeScalarView()
    var inRun = false
    for scalar in model.name.unicodeScalars {
      let isBad = "\"<>:/|\\?*[]".unicodeScalars.contains(scalar)
      if !isBad { name.append(scalar) } else if !inRun { name.append(contentsOf: "__".unicodeScalars) }
      inRun = isBad
    }
    return String(name)
  }

  private static func token(_ token: SpecialToken?) -> JSON {
    guard let token else { return .array([.string("None"), .string("None")]) }
    return .array([.string(token.text), .string("\(token.id)")])
  }
}
