import Glibc

/// How a metric's values over all documents become one number.
public enum Aggregation: String, Sendable {
  /// Mean of the values.
  case mean
  /// exp(−mean(log-likelihood)): perplexity per document's target.
  case perplexity
  /// exp(−Σ log-likelihood / Σ count), over all documents together.
  case weightedPerplexity = "weighted_perplexity"
  /// −(Σ log-likelihood / Σ bytes) / ln 2
  case bitsPerByte = "bits_per_byte"
}

/// One document's contribution to a metric.
public enum MetricItem: Sendable, Equatable {
  /// Written as a JSON number with a point, as Python's float.
  case float(Double)
  /// Written as a JSON integer, as Python's int.
  case integer(Int)
  /// A log-likelihood and the words or bytes it covers.
  case counted(logLikelihood: Double, count: Int)

  var value: Double {
    switch self {
    case .float(let value): value
    case .integer(let value): Double(value)
    case .counted(let logLikelihood, _): logLikelihood
    }
  }

  var count: Int {
    if case .counted(_, let count) = self { return count }
    return 1
  }
}

/// Aggregates and standard errors with the harness's own order of operations, so that equal inputs give equal digits.
enum Statistics {
  /// `sum(xs) / len(xs)`, added from the left.
  static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  /// Sample standard deviation (n − 1).
  static func sampleStandardDeviation(_ values: [Double]) -> Double {
    let center = mean(values)
    var sum = 0.0
    for value in values { sum += pow(value - center, 2) }
    return (sum / Double(values.count - 1)).squareRoot()
  }

  static func aggregate(_ items: [MetricItem], _ aggregation: Aggregation) -> Double {
    switch aggregation {
    case .mean: return mean(items.map(\.value))
    case .perplexity: return exp(-mean(items.map(\.value)))
    case .weightedPerplexity: return exp(-weightedMean(items))
    case .bitsPerByte: return -weightedMean(items) / log(2)
    }
  }

  private static func weightedMean(_ items: [MetricItem]) -> Double {
    // Counts out of a file may be of any size; as doubles they cannot overflow, and are exact to 2⁵³.
    var sum = 0.0
    var count = 0.0
    for item in items {
      sum += item.value
      count += Double(item.count)
    }
    return sum / count
  }

  /// The standard error, or nil where the harness writes "N/A": one document, no bootstrap iterations, or an
  /// aggregation without an estimator; also for a single bootstrap replicate, which has no deviation. `iterations` is the
  /// number of these.
  static func standardError(_ items: [MetricItem], _ aggregation: Aggregation, iterations: Int) -> Double? {
    guard iterations > 0, items.count > 1 else { return nil }
    switch aggregation {
    case .mean:
      return sampleStandardDeviation(items.map(\.value)) / Double(items.count).squareRoot()
    case .perplexity:
      guard iterations > 1 else { return nil }
      return sampleStandardDeviation(Bootstrap.perplexities(items.map(\.value), iterations: iterations))
    case .weightedPerplexity, .bitsPerByte:
      return nil
    }
  }

  // MARK: - Groups of tasks

  /// The mean of tasks' values, each counted as often as it has documents, or once without `sizes`.
  static func groupMean(_ values: [Double], sizes: [Int]?) -> Double {
    guard let sizes else { return mean(values) }
    var sum = 0.0
    for (value, size) in zip(values, sizes) { sum += value * Double(size) }
    return sum / sizes.reduce(0.0) { $0 + Double($1) }
  }

  /// The standard error of a mean over all documents of several tasks, from the tasks' own (pooled variance):
  /// √([Σ (nᵢ − 1)·eᵢ²·nᵢ / (Σ nᵢ − k)] / Σ nᵢ), k tasks.
  static func pooledError(_ errors: [Double], sizes: [Int]) -> Double {
    var sum = 0.0
    for (error, size) in zip(errors, sizes) { sum += Double(size - 1) * (error * error) * Double(size) }
    let count = sizes.reduce(0, +)
    return (sum / Double(count - sizes.count) / Double(count)).squareRoot()
  }

  /// The standard error of a plain mean of k tasks' values: √(Σ eᵢ²) / k.
  static func meanError(_ errors: [Double]) -> Double {
    var sum = 0.0
    for error in errors { sum += error * error }
    return sum.squareRoot() / Double(errors.count)
  }
}
