import DeviceChecks
import Glibc
import Tensors
import TestSupport
import Testing

@testable import Profiling

@Suite("Profiling device")
struct ProfilingDeviceTests {
  static let limits = MachineLimits(operationsPerSecond: 1e9, bytesPerSecond: 1e9, method: "made up")

  /// A profiler that is past its warm-up.
  static func profiler(busyNanoseconds: (() -> UInt64)? = nil) -> StepProfiler {
    let profiler = StepProfiler(limits: limits, threads: 2, busyNanoseconds: busyNanoseconds)
    for _ in 0..<StepProfiler.warmUpSteps { profiler.step {} }
    return profiler
  }

  /// Every kernel with every argument, in a step that counts: no bit is different.
  @Test("does what the device does", arguments: KernelCase.all)
  func forwards(_ kernelCase: KernelCase) throws {
    let device = ProfilingDevice(ReferenceDevice(), Self.profiler())
    let error = try device.profiler.step { try kernelCase.error(on: device) }
    #expect(error == 0, "\(kernelCase)")
    #expect(device.profiler.profile?.kernels.isEmpty == false)
  }

  @Test("counts calls, operations and bytes of a product")
  func counts() throws {
    let device = ProfilingDevice(ReferenceDevice(), Self.profiler())
    let a = try device.tensor(3, 4, [Float](repeating: 1, count: 12))
    let b = try device.tensor(5, 4, [Float](repeating: 1, count: 20))
    let c = try device.tensor(3, 5, [Float](repeating: 0, count: 15))
    device.profiler.setParameters([b])
    func multiply(_ accumulate: Accumulation) {
      device.matmul(c, a, b, transposeA: false, transposeB: true, accumulate: accumulate, bias: nil)
    }
    // Not in a step: it does not count.
    multiply(.set)
    for _ in 0..<2 {
      device.profiler.step {
        multiply(.set)
        multiply(.add)
        multiply(.add)
      }
    }
    let profile = try #require(device.profiler.profile)
    #expect(profile.steps == 2)
    let kernels = profile.kernels.sorted { $0.calls < $1.calls }
    #expect(kernels.map(\.kernel.description) == ["matmul NT 3×5×4", "matmul NT += 3×5×4"])
    #expect(kernels.map(\.calls) == [1, 2])
    let operations: [Double] = [120, 240]
    let parameterBytes: [Double] = [80, 160]
    // What is added to is read and written.
    let activationBytes: [Double] = [108, 336]
    #expect(kernels.map(\.operations) == operations)
    #expect(kernels.map(\.parameterBytes) == parameterBytes)
    #expect(kernels.map(\.activationBytes) == activationBytes)
    #expect(profile.operations(of: .product) == 360)
    #expect(profile.parameterBytes == 240)
    #expect(kernels.allSatisfy { $0.busySeconds == nil } && profile.idleShare == nil)
  }

  @Test("times add up to the step, and what of the threads' time is not busy is idle")
  func times() throws {
    // A device whose threads have done another nanosecond's work each time one looks.
    var busyNanoseconds: UInt64 = 0
    let device = ProfilingDevice(
      ReferenceDevice(),
      Self.profiler {
        busyNanoseconds += 1
        return busyNanoseconds
      })
    let x = try device.tensor(200, 500, [Float](repeating: 1, count: 100_000))
    device.profiler.step {
      _ = device.profiler.host(.batch) { usleep(100) }
      for _ in 0..<5 { device.activation(x, x, .silu) }
    }
    let profile = try #require(device.profiler.profile)
    let host = try #require(profile.hostSeconds[.batch])
    #expect(profile.kernelSeconds > 0 && profile.otherSeconds >= 0)
    #expect(abs(profile.kernelSeconds + host + profile.otherSeconds - profile.seconds) < 1e-12)
    #expect(profile.kernels.count == 1 && profile.kernels[0].busySeconds == 5e-9)
    #expect(try #require(profile.idleShare) == 1 - 5e-9 / (2 * profile.seconds))
  }

  @Test("there is no profile of warm-up steps alone")
  func warmUp() {
    let profiler = StepProfiler(limits: Self.limits, threads: 1)
    for _ in 0..<StepProfiler.warmUpSteps { profiler.step { #expect(!profiler.isCounting) } }
    #expect(profiler.profile == nil)
    profiler.step { #expect(profiler.isCounting) }
    #expect(profiler.profile?.steps == 1)
  }
}
