import CPUBackend
import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct GradientTests {
  /// Rounding of the losses to Float32 leaves 1e-5 of noise in a finite difference, and curvature up to 1e-4.
  static let tolerance = 3e-4

  @Test(arguments: OpCase.all)
  func agreesWithFiniteDifferences(_ op: OpCase) throws {
    let fixture = try Fixture(ReferenceDevice(), op.body)
    let (error, parameter) = try fixture.gradientError()
    #expect(error < Self.tolerance, "gradient of \(parameter)")
  }

  /// The real device computes in Float32 what the reference computes in Double.
  @Test(arguments: OpCase.all, [1, 3])
  func processorAgreesWithReference(_ op: OpCase, threads: Int) throws {
    let reference = try Fixture(ReferenceDevice(), op.body)
    let processor = try Fixture(CPUDevice(threads: threads), op.body)
    let expected = try reference.gradients()
    for (name, gradient) in try processor.gradients() {
      #expect(relativeDifference(gradient, try #require(expected[name])) < 1e-5, "gradient of \(name)")
    }
    #expect(maximumDifference(try processor.losses(), try reference.losses()) < 1e-5)
  }
}
