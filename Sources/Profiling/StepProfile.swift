/// Where the time of a training step goes: means over the steps that were counted.
public struct StepProfile: Sendable, Equatable {
  /// The calls of one kernel with one shape.
  public struct Kernel: Sendable, Equatable {
    public let kernel: KernelClass
    /// Calls a step.
    public let calls: Double
    /// Of all calls of a step, from the call to the end of the work.
    public let seconds: Double
    /// Floating-point operations a step. Of attention the causal half alone counts, and backward not the scores that
    /// are computed again.
    public let operations: Double
    /// Bytes a step that have to be read and written: of parameters, gradients and moments, and of all else.
    public let parameterBytes: Double
    public let activationBytes: Double
    /// Time of all threads together in the kernel's tasks; nil where nobody counts it.
    public let busySeconds: Double?

    public var bytes: Double { parameterBytes + activationBytes }

    /// The share of the time of all threads that they are at it; nil where it is not known.
    public func busyShare(threads: Int) -> Double? { busySeconds.map { $0 / (Double(threads) * seconds) } }

    /// What it does in a second: operations where it has some, else bytes.
    public var rate: Double { (operations > 0 ? operations : bytes) / seconds }

    /// Its rate as a share of what the machine can do. Above 1 where what a kernel reads is in the caches.
    public func shareOfLimit(_ limits: MachineLimits) -> Double {
      rate / (operations > 0 ? limits.operationsPerSecond : limits.bytesPerSecond)
    }
  }

  /// Steps that were counted, and those before them.
  public let steps: Int
  public let warmUpSteps: Int
  /// Of a step.
  public let seconds: Double
  /// Longest first.
  public let kernels: [Kernel]
  /// Of a step, what the host does besides calling kernels.
  public let hostSeconds: [StepProfiler.HostWork: Double]
  public let threads: Int
  public let limits: MachineLimits

  public func seconds(of kind: KernelClass.Kind) -> Double { total(of: kind, \.seconds) }

  public func operations(of kind: KernelClass.Kind) -> Double { total(of: kind, \.operations) }

  /// Time of all kernels.
  public var kernelSeconds: Double { kernels.reduce(0) { $0 + $1.seconds } }

  /// What is neither a kernel nor known work of the host: calling kernels, bookkeeping.
  public var otherSeconds: Double { seconds - kernelSeconds - hostSeconds.values.reduce(0, +) }

  /// The share of a step's thread time in which threads have nothing to do: serial sections, uneven shares, and all
  /// that is outside of kernels. nil where the threads' time is not known.
  public var idleShare: Double? {
    guard kernels.allSatisfy({ $0.busySeconds != nil }) else { return nil }
    return 1 - kernels.reduce(0) { $0 + ($1.busySeconds ?? 0) } / (Double(threads) * seconds)
  }

  public var parameterBytes: Double { kernels.reduce(0) { $0 + $1.parameterBytes } }
  public var activationBytes: Double { kernels.reduce(0) { $0 + $1.activationBytes } }

  private func total(of kind: KernelClass.Kind, _ value: KeyPath<Kernel, Double>) -> Double {
    kernels.reduce(0) { $0 + ($1.kernel.kind == kind ? $1[keyPath: value] : 0) }
  }
}
