import Glibc
import Tensors

/// How the next token is chosen from logits.
public struct SamplingOptions: Sendable {
  /// 0 is greedy: the first of the largest logits.
  public var temperature: Double = 1
  /// Only the k likeliest tokens; nil is all.
  public var topK: Int?
  /// Only the likeliest tokens that together reach this probability (nucleus sampling, arXiv 1904.09751).
  public var topP: Double = 1
  public var seed: UInt64 = 0

  public init() {}
}

/// Draws tokens from logits.
public struct Sampler: Sendable {
  private let options: SamplingOptions
  private var random: SplitMix64

  public init(_ options: SamplingOptions) {
    self.options = options
    random = SplitMix64(seed: options.seed)
  }

  /// The next token's id, from logits [V].
  public mutating func next(_ logits: [Float]) -> Int32 {
    guard options.temperature > 0 else { return Sampler.firstLargest(logits) }
    // Likeliest first; of equal ones the lower id.
    var order = Array(logits.indices)
    order.sort { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
    if let k = options.topK { order = Array(order.prefix(max(k, 1))) }
    let largest = Double(logits[order[0]])
    var weights = order.map { exp((Double(logits[$0]) - largest) / options.temperature) }
    if options.topP < 1 {
      let wanted = options.topP * weights.reduce(0, +)
      var sum = 0.0
      let kept = weights.firstIndex { weight in
        sum += weight
        return sum >= wanted
      }
      weights = Array(weights[...(kept ?? weights.count - 1)])
    }
    var point = random.nextUnit() * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      point -= weight
      if point < 0 { return Int32(order[index]) }
    }
    return Int32(order[weights.count - 1])
  }

  private static func firstLargest(_ logits: [Float]) -> Int32 {
    var best = 0
    for index in logits.indices where logits[index] > logits[best] { best = index }
    return Int32(best)
  }
}
