import Files
import Templates
import YAML

extension EvaluationTask {
  /// Makes a task of its YAML.
  /// - Throws: `EvaluationError.taskFile` naming file, line and key of what is missing, wrong or not supported.
  init(_ definition: TaskDefinition) throws(EvaluationError) {
    let keys = TaskKeys(definition, in: "a task")
    try keys.check()
    let type = try keys.outputType()
    let dataset = try keys.string("dataset_path")
    let fewShot = try keys.section("fewshot_config")

    func field(_ key: String, _ keys: TaskKeys) throws(EvaluationError) -> PromptField? {
      guard let node = keys.node(key) else { return nil }
      return try PromptField(key: key, node: node, dataset: dataset)
    }
    func function(_ key: String, _ keys: TaskKeys) throws(EvaluationError) -> TaskFunction? {
      guard let node = keys.node(key) else { return nil }
      guard node.tag == "!function", case .scalar(let name, _) = node.value else {
        throw keys.wrong(key, node, "!function module.name")
      }
      let function = try TaskFunction.named(name, dataset: dataset, location: node.location)
      switch (key, function.body) {
      case ("process_docs", .rows), ("process_results", .results): return function
      default: throw .taskFile(location: node.location, reason: "!function \(name) cannot be '\(key)'")
      }
    }

    let prompt = Prompt(
      text: try keys.required("doc_to_text", try field("doc_to_text", keys)),
      target: try keys.required("doc_to_target", try field("doc_to_target", keys)),
      choices: try field("doc_to_choice", keys),
      answerPrefix: try field("gen_prefix", keys),
      targetDelimiter: try keys.text("target_delimiter") ?? " ",
      delimiter: try keys.text("fewshot_delimiter") ?? "\n\n")
    if type == .multipleChoice { _ = try keys.required("doc_to_choice", prompt.choices) }
    self.prompt = prompt
    examplePrompt = Prompt(
      text: try field("doc_to_text", fewShot) ?? prompt.text,
      target: try field("doc_to_target", fewShot) ?? prompt.target,
      choices: try field("doc_to_choice", fewShot) ?? prompt.choices,
      answerPrefix: try field("gen_prefix", fewShot) ?? prompt.answerPrefix,
      targetDelimiter: try fewShot.text("target_delimiter") ?? prompt.targetDelimiter,
      delimiter: try fewShot.text("fewshot_delimiter") ?? prompt.delimiter)
    description = try field("description", keys)
    rows = try function("process_docs", keys)
    results = try function("process_results", keys)
    let fewShotSplit = try fewShot.has("split") ? fewShot.string("split") : keys.string("fewshot_split")
    examples = ExampleSource(
      choice: try fewShot.sampler(),
      // Where the YAML has both, the harness takes the split.
      rows: fewShotSplit == nil ? try fewShot.samples() : nil,
      processing: fewShot.has("process_docs") ? try function("process_docs", fewShot) : rows)
    files = try keys.dataFiles(folder: FileTree.parent(of: definition.path), dataset: dataset)
    configuration = TaskConfiguration(
      name: try keys.required("task", try keys.string("task")),
      alias: try keys.string("task_alias"), tags: try keys.strings("tag"), datasetPath: dataset,
      datasetName: try keys.string("dataset_name"), trainingSplit: try keys.string("training_split"),
      validationSplit: try keys.string("validation_split"), testSplit: try keys.string("test_split"),
      fewShotSplit: fewShotSplit,
      targetDelimiter: prompt.targetDelimiter, fewShot: try keys.count("num_fewshot"),
      metrics: try keys.metrics(type, results), outputType: type, version: try keys.version(),
      keys: try keys.dump(fewShot))
    guard configuration.testSplit != nil || configuration.validationSplit != nil else {
      throw .taskFile(
        location: definition.path, reason: "task '\(name)' has neither test_split nor validation_split to score")
    }
  }
}
