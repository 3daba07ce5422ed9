import CPUBackend
import DeviceChecks
import Tensors
import Testing

@Suite("Kernel cases on the CPU device")
struct KernelCaseTests {
  static let cases = KernelCase.all.filter { $0.dtype == .float32 }

  @Test("agree with double precision", arguments: cases)
  func conformance(_ kernelCase: KernelCase) throws {
    let error = try kernelCase.error(on: try CPUDevice(threads: 2))
    #expect(error <= kernelCase.tolerance, "\(kernelCase): \(error)")
  }
}
