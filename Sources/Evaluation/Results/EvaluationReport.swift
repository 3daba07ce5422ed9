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
  /// The preset that the evaluation was run with.
  public let preset: PaperPreset?

  public init(_ result: EvaluationResult, model: ModelDescription, preset: PaperPreset? = nil) {
    self.result = result
    self.model = model
    self.preset = preset
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

  /// The preset's own table; nil without a preset.
  public var presetTable: String? { preset?.table(result, model: model.name) }

  /// The harness's results object, the content of `results.json`.
  public var results: JSONObject {
    var object = measurements
    object["config"] = .object(configuration)
    object["git_hash"] = .null
    object["date"] = .number(result.startedAt)
    object["upper_git_hash"] = .null
    object["tokenizer_bos_token"] = Self.token(result.bosToken)
    object["tokenizer_eos_token"] = Self.token(result.eosToken)
    object["eot_token_id"] = (result.eosToken?.id).map { .integer(Int64($0)) } ?? .null
    object["max_length"] = .integer(Int64(result.contextLength))
    var hashes = JSONObject()
    if result.options.keepsDocuments {
      for task in result.tasks { hashes[task.configuration.name] = .string(SampleRow.taskHash(task)) }
    }
    object["task_hashes"] = .object(hashes)
    object["model_source"] = .string("inheritune")
    object["model_name"] = .string(model.name)
    object["model_name_sanitized"] = .string(sanitizedModelName)
    for key in [
      "system_instruction", "system_instruction_sha", "fewshot_as_multiturn", "chat_template", "chat_template_sha",
    ] {
      object[key] = .null
    }
    object["total_evaluation_time_seconds"] = .string(JSON.number(result.seconds).serialized())
    var own: JSONObject = [
      "version": .string(model.version),
      "bos": .string(result.options.bos.rawValue),
      "adds_bos": .bool(result.addsBOS),
      "prefix_token_id": .integer(Int64(result.prefixToken)),
      "notes": .array(result.notes.map(JSON.string)),
    ]
    if let preset { own["preset"] = .object(preset.json(result)) }
    object["inheritune"] = .object(own)
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
