import CUDABackend
import DeviceChecks
import Tensors
import Testing

@Suite("CUDA kernels, emulated")
struct KernelTests {
  static let cases = KernelCase.all.filter { $0.weightType == nil }

  @Test("agree with double precision, and with themselves as graphs bit for bit", arguments: cases)
  func conformance(_ kernelCase: KernelCase) throws {
    let device = try CUDADevice.emulated(check: true)
    let error = try kernelCase.error(on: device)
    #expect(error <= kernelCase.tolerance, "\(kernelCase): \(error)")

    let direct = try kernelCase.run(device)
    let replayed = try emulating({ $0.lazy_streams = true }) {
      try kernelCase.run(ReplayingDevice(CUDADevice.emulated()))
    }
    #expect(direct.map { $0.map(\.bitPattern) } == replayed.map { $0.map(\.bitPattern) })
  }
}
