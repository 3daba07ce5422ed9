/// A metric over all documents of a task.
public struct MetricResult: Sendable {
  public var metric: Metric
  public var value: Double
  /// Nil where there is none: one document, no bootstrap, or a metric without an estimator.
  public var standardError: Double?
}

/// A task's numbers and, if they were kept, its documents.
public struct TaskResult: Sendable {
  public var configuration: TaskConfiguration
  public var fewShot: Int
  public var metrics: [MetricResult]
  /// Rows in the split, and rows that were scored.
  public var originalCount: Int
  public var effectiveCount: Int
  /// Requests of all documents.
  public var requestCount: Int
  /// Requests longer than the model's window, which lost tokens on the left.
  public var truncatedCount: Int
  /// Requests whose log-likelihood is not a number. The harness takes the first of them for the best answer.
  public var nanCount: Int
  /// Whether a row's few-shot examples can hold its own answer, as they can in the harness.
  public var fewShotLeaks: Bool
  /// Empty unless `EvaluationOptions.keepsDocuments`.
  public var documents: [DocumentResult]

  public subscript(metric name: String) -> MetricResult? { metrics.first { $0.metric.name == name } }
}

/// A token with a meaning of its own, as the tokenizer spells it.
public struct SpecialToken: Sendable, Equatable {
  public var text: String
  public var id: Int32
}

/// What an evaluation found.
public struct EvaluationResult: Sendable {
  /// In order of name.
  public var tasks: [TaskResult]
  /// Those that were asked for and the groups inside them, a group before its members.
  public var groups: [GroupResult]
  public var options: EvaluationOptions
  /// Whether BOS was put before texts.
  public var addsBOS: Bool
  public var prefixToken: Int32
  public var bosToken: SpecialToken?
  public var eosToken: SpecialToken?
  public var contextLength: Int
  /// Wall-clock seconds, and when the evaluation began in seconds since 1970.
  public var seconds: Double
  public var startedAt: Double

  public subscript(task name: String) -> TaskResult? { tasks.first { $0.configuration.name == name } }
  public subscript(group name: String) -> GroupResult? { groups.first { $0.group.name == name } }

  /// What a reader of the numbers should know, one sentence each.
  public var notes: [String] {
    var notes: [String] = []
    let cut = tasks.filter { $0.truncatedCount > 0 }
    if !cut.isEmpty {
      let (count, all) = (cut.reduce(0) { $0 + $1.truncatedCount }, cut.reduce(0) { $0 + $1.requestCount })
      notes.append(
        "\(Self.names(cut)): \(count) of \(all) requests are longer than \(contextLength) tokens and were cut on the left"
      )
    }
    let damaged = tasks.filter { $0.nanCount > 0 }
    if !damaged.isEmpty {
      let (count, all) = (damaged.reduce(0) { $0 + $1.nanCount }, damaged.reduce(0) { $0 + $1.requestCount })
      notes.append(
        "\(Self.names(damaged)): \(count) of \(all) requests have log-likelihoods that are not numbers: are the weights "
          + "damaged?")
    }
    let leaking = tasks.filter(\.fewShotLeaks)
    if !leaking.isEmpty {
      notes.append(
        "\(Self.names(leaking)): few-shot examples come from the evaluated rows and can show a row its own answer, "
          + "as in lm-eval")
    }
    return notes
  }

  /// What stands before every text.
  public var bosNote: String {
    let token = bosToken.map { " \($0.text)" } ?? ""
    return addsBOS
      ? "every text begins with BOS\(token) (--bos \(options.bos.rawValue))"
      : "no BOS before texts (--bos \(options.bos.rawValue))"
  }

  private static func names(_ tasks: [TaskResult]) -> String { tasks.map(\.configuration.name).shortList }
}
