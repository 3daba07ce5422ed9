import Templates

extension EvaluationTask {
  /// The document's value for each of the task's metrics, in their order (lm-evaluation-harness 0.4.13,
  /// `ConfigurableTask.process_results`). `scores` are those of the document's requests, in order; for a rolling
  /// document one score with the sum over its windows.
  func items(of document: TaskDocument, scores: [Score]) -> [(name: String, item: MetricItem)] {
    let names = configuration.metrics.map(\.name)
    if let results = document.results { return zip(names, results(scores)).map { ($0, $1) } }
    return names.map { ($0, document.item(for: $0, scores: scores)) }
  }
}

extension TaskDocument {
  fileprivate func item(for metric: String, scores: [Score]) -> MetricItem {
    switch question {
    case .multipleChoice(_, let choices, let gold):
      return choiceItem(metric, scores, choices: choices, gold: gold)
    case .multipleInputs(let contexts, _, let gold):
      // The choices of such a task are its contexts, and their lengths are what the harness divides by.
      return choiceItem(metric, scores, choices: contexts, gold: gold)
    case .logLikelihood:
      return metric == Metric.perplexity.name ? .float(scores[0].logProbability) : .integer(scores[0].isGreedy ? 1 : 0)
    case .rolling(_, let words, let bytes):
      let count = metric == Metric.wordPerplexity.name ? words : bytes
      return .counted(logLikelihood: scores[0].logProbability, count: count)
    }
  }

  /// Lengths are the choice's own, without the delimiter. An empty choice divides by zero, as the harness's does: −inf,
  /// never preferred.
  private func choiceItem(_ metric: String, _ scores: [Score], choices: [String], gold: Gold) -> MetricItem {
    var values = scores.map(\.logProbability)
    switch metric {
    case Metric.accNorm.name:
      for (index, choice) in choices.enumerated() { values[index] /= Double(PythonString.length(choice)) }
    case Metric.accBytes.name:
      for (index, choice) in choices.enumerated() { values[index] /= Double(choice.utf8.count) }
    case Metric.exactMatch.name:
      return .integer(gold.isGreedy(scores) ? 1 : 0)
    default: break
    }
    return .float(gold.contains(firstMaximum(values)) ? 1 : 0)
  }
}

extension TaskDocument.Gold {
  fileprivate func contains(_ index: Int) -> Bool {
    switch self {
    case .index(let gold): gold == index
    case .anyOf(let golds): golds.contains(index)
    }
  }

  /// Whether the right choice is greedy, or one of them. As in Python, an index below 0 counts from the end.
  fileprivate func isGreedy(_ scores: [Score]) -> Bool {
    let golds: [Int]
    switch self {
    case .index(let gold): golds = [gold]
    case .anyOf(let several): golds = several
    }
    return golds.contains { gold in
      let index = gold < 0 ? gold + scores.count : gold
      return scores.indices.contains(index) && scores[index].isGreedy
    }
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
