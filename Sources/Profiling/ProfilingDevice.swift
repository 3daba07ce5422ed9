import Tensors

/// Another device, whose kernels are timed while its profiler counts: each is waited for, and nothing else is
/// different. What is recorded is launched kernel by kernel.
public final class ProfilingDevice: Device {
  let device: any Device
  let profiler: StepProfiler
  /// Of a kernel that was waited for, until someone can be told.
  private var failure: DeviceError?

  public init(_ device: any Device, _ profiler: StepProfiler) {
    self.device = device
    self.profiler = profiler
  }

  public var info: DeviceInfo { device.info }
  public var scalars: UnsafeMutablePointer<StepScalars> { device.scalars }

  public func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer { try device.allocate(bytes: bytes) }
  public func release(_ address: UnsafeMutableRawPointer) { device.release(address) }
  public func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor) { device.upload(host, to: tensor) }

  public func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) throws(DeviceError) {
    try throwFailure()
    try device.download(tensor, to: host)
  }

  public func synchronize() throws(DeviceError) {
    try throwFailure()
    try device.synchronize()
  }

  public func record(_ body: @escaping () -> Void) throws(DeviceError) -> any Replay {
    Launches(device: self, body: body)
  }

  private struct Launches: Replay {
    let device: ProfilingDevice
    let body: () -> Void

    func run() throws(DeviceError) {
      body()
      try device.throwFailure()
    }
  }

  private func throwFailure() throws(DeviceError) {
    guard let failure else { return }
    self.failure = nil
    throw failure
  }

  /// Runs a kernel, timed if this is a step that counts.
  /// - Parameters:
  ///   - operands: each with how often its memory is gone over.
  func run(
    _ kernel: @autoclosure () -> KernelClass, operations: @autoclosure () -> Double = 0, _ operands: (Tensor?, Int)...,
    body: () -> Void
  ) {
    guard profiler.isCounting else { return body() }
    var work = KernelWork(operations: operations())
    for (tensor, passes) in operands { profiler.add(tensor, passes, to: &work) }
    profiler.kernel(kernel(), work) {
      body()
      do throws(DeviceError) { try device.synchronize() } catch { failure = failure ?? error }
    }
  }
}
