import Files
import Foundation
import Tokenization

/// Scores a model on tasks, with the semantics of the lm-evaluation-harness 0.4.13.
public struct Evaluator: Sendable {
  public let encoder: RequestEncoder
  /// Holds `<task>/<split>.jsonl`.
  public let dataDirectory: String
  public let options: EvaluationOptions
  private let knownTasks: [String]

  /// - Parameter catalog: whose task names are looked for when a task's folder is missing.
  /// - Throws: `EvaluationError` for options out of range and a tokenizer without the tokens that scoring needs.
  public init(
    tokenizer: Tokenizer, dataDirectory: String, options: EvaluationOptions = EvaluationOptions(),
    catalog: TaskCatalog = .builtIn
  ) throws(EvaluationError) {
    try options.validate()
    encoder = try RequestEncoder(tokenizer: tokenizer, bos: options.bos)
    self.dataDirectory = dataDirectory
    self.options = options
    knownTasks = catalog.tasks.map(\.name)
  }

  /// Evaluates tasks one after the other. All rows of all tasks are read and checked before the first is scored, so
  /// that a bad row cannot waste the work on other tasks.
  /// - Throws: `EvaluationError`, `FileError`, and whatever the scorer throws.
  public func evaluate(
    _ tasks: [any EvaluationTask], scorer: any Scorer, progress: (EvaluationProgress) -> Void = { _ in }
  ) throws -> EvaluationResult {
    if tasks.isEmpty { throw EvaluationError.noTasks }
    let started = Date().timeIntervalSince1970
    let prepared = try tasks.map(prepare)
    var results: [TaskResult] = []
    for (index, task) in prepared.enumerated() {
      results.append(
        try run(task, scorer: scorer) { done, total in
          progress(
            EvaluationProgress(
              task: task.task.name, taskNumber: index + 1, taskCount: tasks.count, done: done, total: total))
        })
    }
    return EvaluationResult(
      tasks: results, options: options, addsBOS: encoder.addsBOS, prefixToken: encoder.prefixToken,
      bosToken: specialToken(encoder.tokenizer.bos), eosToken: specialToken(encoder.tokenizer.eos),
      contextLength: scorer.contextLength,
      seconds: Date().timeIntervalSince1970 - started, startedAt: started)
  }

  private func specialToken(_ id: Int32?) -> SpecialToken? {
    id.map { SpecialToken(text: encoder.tokenizer.decode([$0], skipSpecialTokens: false), id: $0) }
  }

  // MARK: - Rows

  /// A task's documents, with the text that goes before each.
  private struct Prepared {
    var task: any EvaluationTask
    var originalCount: Int
    var documents: [(document: TaskDocument, prefix: String)]
  }

  private func prepare(_ task: any EvaluationTask) throws -> Prepared {
    let configuration = task.configuration
    let rows = try rows(of: task, split: configuration.evaluatedSplit)
    let count = options.fewShot ?? 0
    var sampler: FewShotSampler?
    if count > 0 && configuration.outputType != .rolling {
      let pool =
        configuration.poolSplit == configuration.evaluatedSplit
        ? rows : try self.rows(of: task, split: configuration.poolSplit)
      let path = RowFile.path(directory: dataDirectory, task: task.name, split: configuration.poolSplit)
      sampler = try FewShotSampler(task: task, pool: pool, path: path, count: count, seed: options.fewShotSeed)
    }
    let documents = try rows.prefix(options.count(of: rows.count)).map { row in
      (document: try task.document(row), prefix: try sampler?.text(before: row) ?? "")
    }
    return Prepared(task: task, originalCount: rows.count, documents: documents)
  }

  private func rows(of task: any EvaluationTask, split: String) throws -> [Row] {
    try RowFile.read(RowFile.locate(directory: dataDirectory, task: task.name, split: split, known: knownTasks))
  }

  // MARK: - Scoring

  /// A document's requests: indices into the task's different requests.
  private struct Encoded {
    var texts: [(context: String, continuation: String)]
    var rollingIDs: [Int32]
    var requests: [Int]
  }

  private func run(_ prepared: Prepared, scorer: any Scorer, progress: (Int, Int) -> Void) throws -> TaskResult {
    let task = prepared.task
    let configuration = task.configuration
    let contextLength = scorer.contextLength
    var unique: [ScoreRequest] = []
    var places: [ScoreRequest: Int] = [:]
    var encoded: [Encoded] = []
    encoded.reserveCapacity(prepared.documents.count)
    var requestCount = 0
    var truncatedCount = 0
    for (document, prefix) in prepared.documents {
      let (texts, rollingIDs, requests) = encode(document, prefix: prefix, configuration, contextLength: contextLength)
      requestCount += requests.count
      let indices = try requests.map { request in
        try check(request, task: task.name, row: document.row, contextLength: contextLength)
        if request.context.count + request.continuation.count > contextLength + 1 { truncatedCount += 1 }
        if let place = places[request] { return place }
        places[request] = unique.count
        unique.append(request)
        return unique.count - 1
      }
      encoded.append(Encoded(texts: texts, rollingIDs: rollingIDs, requests: indices))
    }
    places = [:]
    let scores = try scorer.score(unique, progress: progress)
    guard scores.count == unique.count else {
      throw EvaluationError.scoreCount(task: task.name, expected: unique.count, found: scores.count)
    }

    var items = [[MetricItem]](repeating: [], count: configuration.metrics.count)
    var documents: [DocumentResult] = []
    for (id, ((document, _), encoded)) in zip(prepared.documents, encoded).enumerated() {
      let answers = encoded.requests.map { scores[$0] }
      let documentScores = configuration.outputType == .rolling ? [Self.total(answers)] : answers
      let metrics = document.items(for: configuration.metrics, scores: documentScores)
      for (index, metric) in metrics.enumerated() { items[index].append(metric.item) }
      if options.keepsDocuments {
        documents.append(
          result(id: id, document, encoded, requests: encoded.requests.map { unique[$0] }, answers, metrics))
      }
    }
    let metrics = zip(configuration.metrics, items).map { metric, items in
      MetricResult(
        metric: metric, value: Statistics.aggregate(items, metric.aggregation),
        standardError: Statistics.standardError(items, metric.aggregation, iterations: options.bootstrapIterations))
    }
    let fewShot = options.fewShot ?? 0
    return TaskResult(
      configuration: configuration, fewShot: fewShot, metrics: metrics, originalCount: prepared.originalCount,
      effectiveCount: prepared.documents.count, requestCount: requestCount, uniqueRequestCount: unique.count,
      truncatedCount: truncatedCount,
      fewShotLeaks: fewShot > 0 && configuration.outputType != .rolling && FewShotSampler.leaks(configuration),
      documents: documents)
  }

  /// The requests of a document, with their texts (none for a rolling one, which has its ids instead).
  private func encode(
    _ document: TaskDocument, prefix: String, _ configuration: TaskConfiguration, contextLength: Int
  ) -> (texts: [(context: String, continuation: String)], ids: [Int32], requests: [ScoreRequest]) {
    switch document.question {
    case .multipleChoice(let text, let choices, _):
      let context = prefix + text
      let continuations = choices.map { configuration.targetDelimiter + $0 }
      return (
        continuations.map { (context, $0) }, [], encoder.requests(context: context, continuations: continuations)
      )
    case .multipleInputs(let contexts, let target, _):
      let continuation = configuration.targetDelimiter + target
      let texts = contexts.map { (context: prefix + $0, continuation: continuation) }
      return (texts, [], texts.flatMap { encoder.requests(context: $0.context, continuations: [continuation]) })
    case .logLikelihood(let text, let target):
      let context = prefix + text
      return ([(context, target)], [], encoder.requests(context: context, continuations: [target]))
    case .rolling(let text, _, _):
      let ids = encoder.encode(text)
      return ([], ids, encoder.rollingWindows(ids, contextLength: contextLength))
    }
  }

  private func check(_ request: ScoreRequest, task: String, row: Row, contextLength: Int) throws(EvaluationError) {
    let count = request.continuation.count
    if count == 0 || count > contextLength {
      throw .continuation(task: task, path: row.path, line: row.line, tokens: count, contextLength: contextLength)
    }
  }

  /// The sum over a rolling document's windows, added in order.
  private static func total(_ scores: [Score]) -> Score {
    Score(logProbability: scores.reduce(0) { $0 + $1.logProbability }, isGreedy: scores.allSatisfy(\.isGreedy))
  }

  private func result(
    id: Int, _ document: TaskDocument, _ encoded: Encoded, requests: [ScoreRequest], _ scores: [Score],
    _ metrics: [(name: String, item: MetricItem)]
  ) -> DocumentResult {
    let answers: DocumentResult.Answers
    if case .rolling(let text, _, _) = document.question {
      answers = .rolling(
        RollingResult(
          text: text, ids: encoded.rollingIDs, windows: Array(zip(requests, scores.map(\.logProbability))),
          logLikelihood: Self.total(scores).logProbability))
    } else {
      answers = .requests(
        zip(encoded.texts, zip(requests, scores)).map { texts, answer in
          RequestResult(context: texts.context, continuation: texts.continuation, ids: answer.0, score: answer.1)
        })
    }
    return DocumentResult(
      id: id, row: document.row.columns, target: document.target, answers: answers, metrics: metrics)
  }
}
