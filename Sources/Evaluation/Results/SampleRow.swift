import Files
import Templates

/// A document as one line of the two per-document files.
enum SampleRow {
  // MARK: - documents.jsonl

  /// The line of `documents.jsonl`: texts, token ids and scores of everything that was asked.
  static func document(_ document: DocumentResult, task: String) -> JSONObject {
    var object: JSONObject = [
      "task": .string(task), "doc_id": .integer(Int64(document.id)), "gold": JSON(document.target),
      "metrics": .object(metrics(document)),
    ]
    switch document.answers {
    case .rolling(let rolling):
      object["text"] = .string(rolling.text)
      object["token_ids"] = ids(rolling.ids)
      object["loglikelihood"] = .number(rolling.logLikelihood)
      object["windows"] = .array(
        rolling.windows.map { window in
          .object([
            "context_ids": ids(window.ids.context), "continuation_ids": ids(window.ids.continuation),
            "loglikelihood": .number(window.logLikelihood),
          ])
        })
    case .requests(let requests):
      object["requests"] = .array(
        requests.map { request in
          .object([
            "context": .string(request.context), "continuation": .string(request.continuation),
            "context_ids": ids(request.ids.context), "continuation_ids": ids(request.ids.continuation),
            "loglikelihood": .number(request.score.logProbability), "is_greedy": .bool(request.score.isGreedy),
          ])
        })
    }
    return object
  }

  private static func ids(_ ids: [Int32]) -> JSON { .array(ids.map { .integer(Int64($0)) }) }

  private static func metrics(_ document: DocumentResult) -> JSONObject {
    var object = JSONObject()
    for metric in document.metrics { object[metric.name] = json(metric.item) }
    return object
  }

  private static func json(_ item: MetricItem) -> JSON {
    switch item {
    case .float(let value): .number(value)
    case .integer(let value): .integer(Int64(value))
    case .counted(let logLikelihood, let count): .array([.number(logLikelihood), .integer(Int64(count))])
    }
  }

  // MARK: - samples_<task>.jsonl

  /// The line of `samples_<task>.jsonl`, as the harness writes it with `--log_samples`.
  static func sample(_ document: DocumentResult) -> JSONObject {
    let hashes = hashes(document)
    var object: JSONObject = [
      "doc_id": .integer(Int64(document.id)),
      "doc": .object(document.row),
      "target": .string(document.target.text),
      "arguments": .object(arguments(document)),
    ]
    let answers = answers(document)
    object["resps"] = .array(answers.map { .array([$0]) })
    object["filtered_resps"] = .array(answers)
    object["filter"] = .string("none")
    object["metrics"] = .array(document.metrics.map { .string($0.name) })
    object["doc_hash"] = .string(hashes.document)
    object["prompt_hash"] = .string(hashes.prompt)
    object["target_hash"] = .string(hashes.target)
    for metric in document.metrics { object[metric.name] = json(metric.item) }
    return object
  }

  /// One hash over all documents of a task, from which a reader sees that two runs asked the same.
  static func taskHash(_ task: TaskResult) -> String {
    SHA256.hex(
      of: task.documents.map { document in
        let hashes = hashes(document)
        return hashes.document + hashes.prompt + hashes.target
      }.joined())
  }

  private static func hashes(_ document: DocumentResult) -> (document: String, prompt: String, target: String) {
    (
      SHA256.hex(of: JSON.object(document.row).serialized(indent: 2)),
      SHA256.hex(of: texts(document).first?.first ?? ""),
      SHA256.hex(of: document.target.text)
    )
  }

  /// The texts of each request: context and continuation, or the rolling text alone.
  private static func texts(_ document: DocumentResult) -> [[String]] {
    switch document.answers {
    case .requests(let requests): requests.map { [$0.context, $0.continuation] }
    case .rolling(let rolling): [[rolling.text]]
    }
  }

  private static func arguments(_ document: DocumentResult) -> JSONObject {
    var object = JSONObject()
    for (index, texts) in texts(document).enumerated() {
      var arguments = JSONObject()
      for (position, text) in texts.enumerated() { arguments["arg_\(position)"] = .string(text) }
      object["gen_args_\(index)"] = .object(arguments)
    }
    return object
  }

  /// The answers as the harness prints them into strings with Python's `str()`: ["-18.9", "False"] for a request, "-18.9" for a rolling text.
  private static func answers(_ document: DocumentResult) -> [JSON] {
    switch document.answers {
    case .requests(let requests):
      requests.map {
        .array([
          .string(PythonValue.float($0.score.logProbability).text), .string(PythonValue.bool($0.score.isGreedy).text),
        ])
      }
    case .rolling(let rolling): [.string(PythonValue.float(rolling.logLikelihood).text)]
    }
  }
}
