/// A task's documents as requests of a pool, and what their scores make of them.
struct EncodedTask {
  /// A document's requests: indices into the pool.
  private struct Document {
    /// Context and continuation of each request; none for a rolling document, which has `rollingIDs` instead.
    var texts: [(context: String, continuation: String)]
    var rollingIDs: [Int32]
    var requests: [Int]
  }

  private var prepared: PreparedTask
  private let keepsDocuments: Bool
  private var documents: [Document] = []
  private var requestCount = 0
  private var truncatedCount = 0

  /// - Parameter keepsDocuments: whether the result shows texts and scores of each document.
  /// - Throws: `EvaluationError.continuation` naming the row of an answer that cannot be scored.
  init(
    _ prepared: PreparedTask, encoder: RequestEncoder, contextLength: Int, keepsDocuments: Bool,
    pool: inout RequestPool
  ) throws(EvaluationError) {
    self.prepared = prepared
    self.keepsDocuments = keepsDocuments
    documents.reserveCapacity(prepared.documents.count)
    for (document, prefix) in prepared.documents {
      let (texts, rollingIDs, requests) = Self.encode(
        document, prefix: prefix, prepared.task.configuration, encoder: encoder, contextLength: contextLength)
      var indices: [Int] = []
      var context: [Int32] = []
      for request in requests {
        try check(request, row: document.row, contextLength: contextLength)
        let tokens = min(request.context.count, contextLength + 1 - request.continuation.count)
        if tokens < request.context.count { truncatedCount += 1 }
        let isSame = request.context == context
        context = request.context
        indices.append(pool.add(request, newTokens: request.continuation.count + (isSame ? 0 : tokens)))
      }
      requestCount += requests.count
      documents.append(
        Document(
          texts: keepsDocuments ? texts : [], rollingIDs: keepsDocuments ? rollingIDs : [], requests: indices))
    }
    // The few-shot texts are in the requests now, and take much memory.
    self.prepared.documents = prepared.documents.map { ($0.document, "") }
  }

  private static func encode(
    _ document: TaskDocument, prefix: String, _ configuration: TaskConfiguration, encoder: RequestEncoder,
    contextLength: Int
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

  private func check(_ request: ScoreRequest, row: Row, contextLength: Int) throws(EvaluationError) {
    let count = request.continuation.count
    if count == 0 || count > contextLength {
      throw .continuation(
        task: prepared.task.name, path: row.path, line: row.line, tokens: count, contextLength: contextLength)
    }
  }

  // MARK: - Results

  /// The task's metrics from the scores of the pool's requests.
  func result(_ requests: [ScoreRequest], _ scores: [Score], options: EvaluationOptions) -> TaskResult {
    let configuration = prepared.task.configuration
    var items = [[MetricItem]](repeating: [], count: configuration.metrics.count)
    var results: [DocumentResult] = []
    var nanCount = 0
    for (id, ((document, _), encoded)) in zip(prepared.documents, documents).enumerated() {
      let answers = encoded.requests.map { scores[$0] }
      nanCount += answers.lazy.filter(\.logProbability.isNaN).count
      let documentScores = configuration.outputType == .rolling ? [Self.total(answers)] : answers
      let metrics = prepared.task.items(of: document, scores: documentScores)
      for (index, metric) in metrics.enumerated() { items[index].append(metric.item) }
      if keepsDocuments {
        results.append(
          Self.result(id: id, document, encoded, encoded.requests.map { requests[$0] }, answers, metrics))
      }
    }
    let metrics = zip(configuration.metrics, items).map { metric, items in
      MetricResult(
        metric: metric, value: Statistics.aggregate(items, metric.aggregation),
        standardError: Statistics.standardError(items, metric.aggregation, iterations: options.bootstrapIterations))
    }
    let fewShot = prepared.fewShot
    return TaskResult(
      configuration: configuration, fewShot: fewShot, metrics: metrics, originalCount: prepared.originalCount,
      effectiveCount: prepared.documents.count, requestCount: requestCount, truncatedCount: truncatedCount,
      nanCount: nanCount,
      fewShotLeaks: fewShot > 0 && configuration.outputType != .rolling && FewShotSampler.leaks(prepared.task),
      documents: results)
  }

  /// The sum over a rolling document's windows, added in order.
  private static func total(_ scores: [Score]) -> Score {
    Score(logProbability: scores.reduce(0) { $0 + $1.logProbability }, isGreedy: scores.allSatisfy(\.isGreedy))
  }

  private static func result(
    id: Int, _ document: TaskDocument, _ encoded: Document, _ requests: [ScoreRequest], _ scores: [Score],
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
      id: id, row: document.row.json, target: document.target, answers: answers, metrics: metrics)
  }
}
