/// Bytes that training needs, by class. All but `process` are memory of the device.
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
  /// Where the device is the processor itself: what the process has besides, its code, libraries and the scratch of its
  /// threads. A `Program` does not know it, and says 0.
  public var process = 0

  public init() {}

  public var total: Int { parameters + gradients + optimizer + activations + workspace + persistent + process }

  /// The classes with their names, in the order they are printed; without the process where it is not counted.
  public var classes: [(name: String, bytes: Int)] {
    [
      ("parameters", parameters), ("gradients", gradients), ("optimizer", optimizer), ("activations", activations),
      ("workspace", workspace), ("inputs and constants", persistent),
    ] + (process > 0 ? [("process", process)] : [])
  }
}
