import Glibc

/// How far two models are apart on the same documents. What makes a document hard is hard for both, so this is known
/// better than from the two standard errors.
struct PairedDifference: Equatable {
  /// B − A over the documents that both have.
  var value: Double
  /// Of `value`; nil for a single document.
  var standardError: Double?
  var documentCount: Int
}

extension PairedDifference {
  /// - Parameters: what the documents contribute to the metric, in the same order; not empty.
  init(_ a: [MetricItem], _ b: [MetricItem], _ aggregation: Aggregation) {
    precondition(a.count == b.count && !a.isEmpty, "\(a.count) and \(b.count) documents")
    value = Statistics.aggregate(b, aggregation) - Statistics.aggregate(a, aggregation)
    documentCount = a.count
    if a.count > 1 {
      let squares = zip(Statistics.influences(a, aggregation), Statistics.influences(b, aggregation))
        .reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
      standardError = (squares / Double(a.count - 1) / Double(a.count)).squareRoot()
    }
  }

  /// The difference of a group: a weighted mean over its tasks, which are independent of one another.
  init(_ parts: [PairedDifference], weights: [Double]) {
    value = zip(parts, weights).reduce(0) { $0 + $1.0.value * $1.1 }
    documentCount = parts.reduce(0) { $0 + $1.documentCount }
    let errors = parts.compactMap(\.standardError)
    if errors.count == parts.count {
      standardError = zip(errors, weights).reduce(0) { $0 + $1.0 * $1.0 * $1.1 * $1.1 }.squareRoot()
    }
  }
}

extension Statistics {
  /// How much each item moves the aggregate, to first order: n·∂aggregate/∂(weight of the item). For a mean that is the
  /// distance from it. Their standard deviation over √n is the aggregate's standard error (delta method).
  static func influences(_ items: [MetricItem], _ aggregation: Aggregation) -> [Double] {
    let count = items.reduce(0.0) { $0 + Double($1.count) }
    let ratio = items.reduce(0.0) { $0 + $1.value } / count
    // d(Σx/Σc): for means every count is 1.
    let distances = items.map { ($0.value - ratio * Double($0.count)) * Double(items.count) / count }
    switch aggregation {
    case .mean: return distances
    case .perplexity, .weightedPerplexity: return distances.map { -exp(-ratio) * $0 }
    case .bitsPerByte: return distances.map { -$0 / log(2) }
    }
  }
}
