import Tensors

/// How a parameter starts when it is not loaded.
public enum Initial: Sendable, Hashable {
  case zeros
  case ones
  /// Normal with mean 0 and this standard deviation.
  case normal(Float)
}

/// What a parameter is for; decides weight decay.
public enum ParameterRole: Sendable, Hashable {
  case linear, embedding, norm, bias
}

/// A trained matrix, as the graph declares it.
public struct Parameter: Sendable, Hashable {
  public var name: String
  public var rows: Int
  public var columns: Int
  public var role: ParameterRole
  public var initial: Initial

  public var count: Int { rows * columns }
  /// Elements it takes in a store, where each parameter starts on a cache line. The padding is zero and stays zero
  /// under AdamW.
  var storedCount: Int { (count + 15) / 16 * 16 }
}

/// Parameters that one optimiser launch updates together.
public struct ParameterGroup: Sendable, Hashable {
  public var weightDecay: Float
  public var learningRateMultiplier: Float
  /// Frozen parameters have no gradient and no optimiser state.
  public var isFrozen: Bool

  public init(weightDecay: Float = 0, learningRateMultiplier: Float = 1, isFrozen: Bool = false) {
    self.weightDecay = weightDecay
    self.learningRateMultiplier = learningRateMultiplier
    self.isFrozen = isFrozen
  }

  public static let frozen = ParameterGroup(isFrozen: true)
}
