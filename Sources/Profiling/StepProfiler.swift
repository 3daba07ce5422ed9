import Glibc
import Tensors

/// Adds up where the time of training steps goes. A `ProfilingDevice` tells it of kernels, the trainer of steps and of
/// what the host does in them. What happens outside of steps does not count, nor do the first steps.
public final class StepProfiler {
  /// Steps before the first that counts: memory is touched for the first time, and caches are cold.
  public static let warmUpSteps = 2

  /// What the host does in a step, besides calling kernels.
  public enum HostWork: String, Sendable, CaseIterable {
    /// Waiting for the batch that a thread fills.
    case batch
    /// Copying a batch to the device.
    case upload
    /// Reading losses and norm, and writing the metrics line.
    case metrics
  }

  struct Tally {
    var calls = 0
    var nanoseconds: UInt64 = 0
    var busy: UInt64 = 0
    var work = KernelWork()
  }

  let limits: MachineLimits
  let threads: Int
  /// Nanoseconds that all threads together have spent in kernels so far; nil where nobody counts them.
  private let busyNanoseconds: (() -> UInt64)?
  private var parameters: [Range<UInt>] = []
  private(set) var isCounting = false
  private var seenSteps = 0
  private var steps = 0
  private var stepNanoseconds: UInt64 = 0
  private var kernels: [KernelClass: Tally] = [:]
  private var hostNanoseconds: [HostWork: UInt64] = [:]

  /// - Parameters:
  ///   - limits: what rates are compared with.
  ///   - threads: of the device.
  ///   - busyNanoseconds: the time that its threads have spent in kernels so far, all together; nil where it is not known.
  public init(limits: MachineLimits, threads: Int, busyNanoseconds: (() -> UInt64)? = nil) {
    self.limits = limits
    self.threads = threads
    self.busyNanoseconds = busyNanoseconds
  }

  /// Says which memory holds parameters, their gradients and moments, so that its traffic is counted apart.
  public func setParameters(_ tensors: [Tensor]) {
    parameters = tensors.map { UInt(bitPattern: $0.address)..<UInt(bitPattern: $0.address + $0.byteCount) }
  }

  // MARK: Steps

  /// Runs one training step.
  public func step<Result>(_ body: () throws -> Result) rethrows -> Result {
    seenSteps += 1
    guard seenSteps > StepProfiler.warmUpSteps else { return try body() }
    isCounting = true
    defer { isCounting = false }
    let start = now()
    let result = try body()
    stepNanoseconds += now() - start
    steps += 1
    return result
  }

  /// Runs a part of a step that the host does.
  public func host<Result>(_ work: HostWork, _ body: () throws -> Result) rethrows -> Result {
    guard isCounting else { return try body() }
    let start = now()
    defer { hostNanoseconds[work, default: 0] += now() - start }
    return try body()
  }

  // MARK: Kernels

  /// Runs a kernel of a step, to its end.
  func kernel(_ kernel: KernelClass, _ work: KernelWork, _ body: () -> Void) {
    let busy = busyNanoseconds?() ?? 0
    let start = now()
    body()
    let time = now() - start
    var tally = kernels[kernel] ?? Tally()
    tally.calls += 1
    tally.nanoseconds += time
    tally.busy += (busyNanoseconds?() ?? 0) - busy
    tally.work.operations += work.operations
    tally.work.parameterBytes += work.parameterBytes
    tally.work.activationBytes += work.activationBytes
    kernels[kernel] = tally
  }

  /// Adds the traffic of an operand that is gone over `passes` times.
  func add(_ tensor: Tensor?, _ passes: Int, to work: inout KernelWork) {
    guard let tensor else { return }
    let address = UInt(bitPattern: tensor.address)
    if parameters.contains(where: { $0.contains(address) }) {
      work.parameterBytes += passes * tensor.byteCount
    } else {
      work.activationBytes += passes * tensor.byteCount
    }
  }

  // MARK: Result

  /// The steps so far; nil where none has counted.
  public var profile: StepProfile? {
    guard steps > 0 else { return nil }
    let (steps, hasBusyTime) = (Double(steps), busyNanoseconds != nil)
    func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 / steps }
    let kernels = kernels.map { kernel, tally in
      StepProfile.Kernel(
        kernel: kernel, calls: Double(tally.calls) / steps, seconds: seconds(tally.nanoseconds),
        operations: tally.work.operations / steps, parameterBytes: Double(tally.work.parameterBytes) / steps,
        activationBytes: Double(tally.work.activationBytes) / steps,
        busySeconds: hasBusyTime ? seconds(tally.busy) : nil)
    }
    return StepProfile(
      steps: self.steps, warmUpSteps: StepProfiler.warmUpSteps, seconds: seconds(stepNanoseconds),
      kernels: kernels.sorted { ($0.seconds, $1.kernel.description) > ($1.seconds, $0.kernel.description) },
      hostSeconds: hostNanoseconds.mapValues(seconds), threads: threads, limits: limits)
  }

  private func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
