import Files

extension TaskDocument {
  /// The right answer as the harness's samples show it.
  var target: JSON {
    switch question {
    case .multipleChoice(_, _, let gold): .integer(Int64(gold))
    case .multipleInputs(_, let target, _): .string(target)
    case .logLikelihood(_, let target): .string(target)
    case .rolling(let text, _, _): .string(text)
    }
  }

  /// The document's value for each of the task's metrics (lm-evaluation-harness 0.4.13,
  /// `ConfigurableTask.process_results`). `scores` are those of the document's requests, in order; for a rolling
  /// document one score with the sum over its windows.
  func items(for metrics: [Metric], scores: [Score]) -> [(name: String, item: MetricItem)] {
    metrics.map { ($0.name, item(for: $0, scores: scores)) }
  }

  private func item(for metric: Metric, scores: [Score]) -> MetricItem {
    switch question {
    case .multipleChoice(_, let choices, let gold):
      return .float(isRight(metric, scores, choices: choices, gold: gold) ? 1 : 0)
    case .multipleInputs(let contexts, _, let gold):
      return .float(isRight(metric, scores, choices: contexts, gold: gold) ? 1 : 0)
    case .logLikelihood:
      return metric.aggregation == .perplexity ? .float(scores[0].logProbability) : .integer(scores[0].isGreedy ? 1 : 0)
    case .rolling(_, let words, let bytes):
      let count = metric.name == Metric.wordPerplexity.name ? words : bytes
      return .counted(logLikelihood: scores[0].logProbability, count: count)
    }
  }

  /// Whether the preferred choice is right. `acc_norm` divides by the choice's length in code points, without the
  /// delimiter.
  private func isRight(_ metric: Metric, _ scores: [Score], choices: [String], gold: Int) -> Bool {
    var values = scores.map(\.logProbability)
    if metric.name == Metric.accNorm.name {
      // An empty choice divides by zero, as the harness's does: −inf, never preferred.
      for (index, choice) in choices.enumerated() { values[index] /= Double(PythonString.length(choice)) }
    }
    return firstMaximum(values) == gold
  }
}

/// numpy's `argmax`: the first of equal maxima; the first NaN counts as the maximum.
func firstMaximum(_ values: [Double]) -> Int {
  var best = 0
  for (index, value) in values.enumerated() {
    if value.isNaN { return index }
    if value > values[best] { best = index }
  }
  return best
}
