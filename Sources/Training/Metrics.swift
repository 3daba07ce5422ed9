import Files
import Foundation

/// The metrics of one training step, read on the steps that are logged.
public struct StepMetrics: Sendable, Equatable {
  public var step: Int
  /// Tokens trained on so far.
  public var tokens: Int
  /// Mean cross-entropy over the step's targets, in nats, before the update.
  public var loss: Double
  /// Before a group's multiplier.
  public var learningRate: Double
  /// Global norm before clipping.
  public var gradientNorm: Double
  /// Over the steps since the last logged one; time spent on validation, evaluation and saving does not count.
  public var tokensPerSecond: Double
  /// Model FLOPs utilisation (PaLM, arXiv 2204.02311, appendix B), 0 to 1; nil where the device's peak is unknown.
  public var mfu: Double?
  /// Wall-clock time of the run so far, all its sessions together.
  public var seconds: Double

  var line: JSONObject {
    [
      "step": .integer(Int64(step)), "tokens": .integer(Int64(tokens)), "loss": .number(loss),
      "learning_rate": .number(learningRate), "gradient_norm": .number(gradientNorm),
      "tokens_per_second": .number(tokensPerSecond.rounded(toPlaces: 1)),
      "mfu": mfu.map { .number($0.rounded(toPlaces: 4)) } ?? .null, "seconds": .number(seconds.rounded(toPlaces: 3)),
    ]
  }
}

/// The loss on validation tokens.
public struct ValidationMetrics: Sendable, Equatable {
  /// Steps done.
  public var step: Int
  /// Tokens trained on so far.
  public var tokens: Int
  /// Mean cross-entropy over all validation targets, in nats.
  public var loss: Double

  public var perplexity: Double { exp(loss) }

  var line: JSONObject {
    [
      "step": .integer(Int64(step)), "tokens": .integer(Int64(tokens)), "validation_loss": .number(loss),
      // JSON has no infinity.
      "perplexity": perplexity.isFinite ? .number(perplexity) : .null,
    ]
  }
}

extension Double {
  fileprivate func rounded(toPlaces places: Int) -> Double {
    let scale = pow(10, Double(places))
    return (self * scale).rounded() / scale
  }
}
