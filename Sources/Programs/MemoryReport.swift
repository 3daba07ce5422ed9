/// Bytes a program needs, by class.
public struct MemoryReport: Sendable, Equatable {
  public var parameters = 0
  public var gradients = 0
  /// Adam's two moments, and the float32 masters of bfloat16 parameters.
  public var optimizer = 0
  /// The part of the arena that holds activations and their gradients.
  public var activations = 0
  /// The part of the arena that operations use internally.
  public var workspace = 0
  /// Inputs, results, caches and constants.
  public var persistent = 0

  public init() {}

  public var total: Int { parameters + gradients + optimizer + activations + workspace + persistent }

  /// The classes with their names, in the order they are printed.
  public var classes: [(name: String, bytes: Int)] {
    [
      ("parameters", parameters), ("gradients", gradients), ("optimizer", optimizer), ("activations", activations),
      ("workspace", workspace), ("inputs and constants", persistent),
    ]
  }
}
