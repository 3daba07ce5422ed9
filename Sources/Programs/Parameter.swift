import Tensors

/// How a parameter starts when it is not loaded.
public enum Initial: Sendable, Hashable {
  case zeros
  case ones
  /// Normal with mean 0 and this standard deviation.
  case normal(Float)
  /// The same but for one row, which is zero: the embedding of a padding token, which is never trained.
  case normalExcept(row: Int, Float)
}

/// What a parameter is for; decides weight decay.
public enum ParameterRole: Sendable, Hashable {
  case linear, embedding, norm, bias
}

/// The axis of a matrix that consists of attention heads of D elements each.
public enum HeadAxis: Sendable, Hashable {
  case rows(dimension: Int)
  case columns(dimension: Int)
}

/// A trained matrix, as the graph declares it and as checkpoints have it. How it is stored is the store's affair.
public struct Parameter: Sendable, Hashable {
  public var name: String
  public var rows: Int
  public var columns: Int
  public var role: ParameterRole
  public var initial: Initial
  public var heads: HeadAxis?

  public var count: Int { rows * columns }
  /// The type in a store.
  func dtype(_ precision: Precision) -> DType {
    switch role {
    case .linear, .embedding: precision.weights
    case .norm, .bias: precision.compute
    }
  }

  /// The shape in a store, heads padded.
  func storedShape(_ precision: Precision) -> (rows: Int, columns: Int) {
    switch heads {
    case nil: (rows, columns)
    case .rows(let dimension): (rows / dimension * precision.headStride(dimension), columns)
    case .columns(let dimension): (rows, columns / dimension * precision.headStride(dimension))
    }
  }

  /// Elements that lie one after the other in a store, and from the start of one such run to the next.
  func runs(_ precision: Precision) -> (length: Int, stride: Int) {
    switch heads {
    case nil: (count, count)
    case .rows(let dimension): (dimension * columns, precision.headStride(dimension) * columns)
    case .columns(let dimension): (dimension, precision.headStride(dimension))
    }
  }

  /// Elements it takes in a store, where each parameter starts on a cache line of float32 (half of one if narrower). All
  /// padding is zero and stays zero under AdamW.
  func storedCount(_ precision: Precision) -> Int {
    let (rows, columns) = storedShape(precision)
    return (rows * columns + 15) / 16 * 16
  }
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
