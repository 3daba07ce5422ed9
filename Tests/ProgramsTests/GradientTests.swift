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

  /// PyTorch's `padding_idx`: the row has no gradient of this use, and keeps that of another.
  @Test(arguments: TestDevice.allCases, [false, true])
  func paddingRowIsNotTrained(device: TestDevice, isTied: Bool) throws {
    func gradient(padding: Int?) throws -> [Float] {
      let name = isTied ? "head" : "x"
      let fixture = try Fixture(device.make()) { graph, inputs in
        let table = try graph.parameter(
          name, Fixture.vocabulary, OpCase.width, role: .embedding, initial: OpCase.initial)
        return try graph.embedding(inputs.tokens, table: table, padding: padding, length: Fixture.rows)
      }
      return try #require(try fixture.gradients()[name])
    }
    let row = OpCase.width..<2 * OpCase.width  // of token 1, which occurs
    let whole = try gradient(padding: nil)
    let padded = try gradient(padding: 1)
    #expect(padded[..<row.lowerBound] == whole[..<row.lowerBound])
    #expect(padded[row.upperBound...] == whole[row.upperBound...])
    #expect(padded[row] != whole[row])
    #expect(padded[row].contains { $0 != 0 } == isTied)
  }

  /// With a window W of T keys a query sees W − W²/(2T) of them on average, without one T/2.
  @Test func floatingPointOperationsFollowTheWindow() throws {
    func operations(window: Int?) throws -> Int {
      var graph = Graph()
      let qkv = try graph.activation("qkv", 16, 12)
      _ = try graph.attention(
        qkv, AttentionSpec(length: 8, heads: 1, kvHeads: 1, headDimension: 4, scale: 1, window: window))
      return graph.floatingPointOperations
    }
    #expect(try operations(window: nil) == 4 * 16 * 4 * 4)
    #expect(try operations(window: 8) == 4 * 16 * 4 * 4)
    #expect(try operations(window: 100) == 4 * 16 * 4 * 4)
    #expect(try operations(window: 2) == 4 * 16 * 4 * 7 / 4)
  }
}
