/// A named accelerator, for estimates of time.
public struct Accelerator: Sendable, Equatable {
  public let name: String
  /// Peak floating-point operations in a second: bfloat16 matrix products accumulated in float32, dense.
  public let peakOperationsPerSecond: Double
  public let memoryBytes: Int

  /// The share of the peak that an estimate assumes: a good trainer reaches 0.35 to 0.55 with models of this size
  /// (nanoGPT, llm.c).
  public static let assumedUtilization = 0.4

  /// Numbers of NVIDIA's data sheets.
  public static let known = [
    Accelerator("rtx3090", 71e12, gigabytes: 24), Accelerator("rtx4090", 165.2e12, gigabytes: 24),
    Accelerator("l4", 121e12, gigabytes: 24), Accelerator("a6000", 154.8e12, gigabytes: 48),
    Accelerator("a100", 312e12, gigabytes: 80), Accelerator("h100", 989.4e12, gigabytes: 80),
  ]

  private init(_ name: String, _ peak: Double, gigabytes: Int) {
    self.name = name
    peakOperationsPerSecond = peak
    memoryBytes = gigabytes << 30
  }
}
