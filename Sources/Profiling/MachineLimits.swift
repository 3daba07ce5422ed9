/// What a device can do at most, measured when a profile begins.
public struct MachineLimits: Sendable, Equatable {
  /// Floating-point operations a second, all threads together.
  public var operationsPerSecond: Double
  /// Bytes of memory read and written a second, all threads together.
  public var bytesPerSecond: Double
  /// What was measured, in words.
  public var method: String

  public init(operationsPerSecond: Double, bytesPerSecond: Double, method: String) {
    self.operationsPerSecond = operationsPerSecond
    self.bytesPerSecond = bytesPerSecond
    self.method = method
  }
}
