/// A metric of a task: its name in results, how values become one number, and which way is better.
public struct Metric: Sendable, Equatable {
  public let name: String
  public let aggregation: Aggregation
  public let higherIsBetter: Bool

  public init(_ name: String, _ aggregation: Aggregation, higherIsBetter: Bool) {
    self.name = name
    self.aggregation = aggregation
    self.higherIsBetter = higherIsBetter
  }

  /// 1 if the most likely choice is right.
  public static let acc = Metric("acc", .mean, higherIsBetter: true)
  /// 1 if the choice with the largest log-likelihood per code point is right.
  public static let accNorm = Metric("acc_norm", .mean, higherIsBetter: true)
  /// 1 if the choice with the largest log-likelihood per UTF-8 byte is right.
  public static let accBytes = Metric("acc_bytes", .mean, higherIsBetter: true)
  /// 1 if every token of a right choice is the most likely one at its place.
  public static let exactMatch = Metric("exact_match", .mean, higherIsBetter: true)
  /// exp(−mean log-likelihood of the target).
  public static let perplexity = Metric("perplexity", .perplexity, higherIsBetter: false)
  public static let wordPerplexity = Metric("word_perplexity", .weightedPerplexity, higherIsBetter: false)
  public static let bytePerplexity = Metric("byte_perplexity", .weightedPerplexity, higherIsBetter: false)
  public static let bitsPerByte = Metric("bits_per_byte", .bitsPerByte, higherIsBetter: false)

  /// What a task of this type can be measured by, in the order in which the harness reports it.
  static func available(_ type: OutputType) -> [Metric] {
    switch type {
    case .multipleChoice: [acc, accNorm, accBytes, exactMatch]
    case .logLikelihood: [perplexity, acc]
    case .rolling: [wordPerplexity, bytePerplexity, bitsPerByte]
    }
  }

  /// What a task of this type is measured by if it does not say.
  static func standard(_ type: OutputType) -> [Metric] {
    switch type {
    case .multipleChoice: [acc, accNorm]
    case .logLikelihood, .rolling: available(type)
    }
  }
}
