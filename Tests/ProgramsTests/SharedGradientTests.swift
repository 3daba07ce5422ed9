import Tensors
import TestSupport
import Testing

@testable import Programs

/// A residual addition lets its operands share one gradient; whoever adds to it while others still read it needs a
/// copy.
@Suite struct SharedGradientTests {
  @Test func parallelResidualIsWrongWithoutTheCopy() throws {
    let body = TestModel.parallelResidual(blocks: 1)
    let right = try Fixture(ReferenceDevice(), body).gradients()
    let wrong = try Fixture(ReferenceDevice(), copiesSharedGradients: false, body).gradients()
    let attention = try #require(right["h0.qkv"])
    let spoilt = try #require(wrong["h0.qkv"])
    #expect(relativeDifference(spoilt, attention) > 0.01)
    #expect(try Fixture(ReferenceDevice(), body).gradientError().error < GradientTests.tolerance)
  }

  private func copies(recompute: Recompute = .none, _ body: @escaping Fixture.Body) throws -> Int {
    try Fixture(ReferenceDevice(), recompute: recompute, body).differentiated.ops.count { $0 is CopyOp }
  }

  /// The gradient of a region's result may be shared with values that recomputation renames: were the sharers not
  /// renamed with them, they would never leave, and sequential models be full of copies.
  @Test(arguments: Recompute.allCases)
  func copiesOnlyWhereSomebodyElseStillReads(recompute: Recompute) throws {
    // Sequential residuals: the branch has read the shared gradient before the norm adds to it.
    #expect(try copies(recompute: recompute, TestModel.gpt2(blocks: 3)) == 0)
    #expect(try copies(recompute: recompute, TestModel.llama(blocks: 3)) == 0)
    // One for each parallel block: the second branch adds to what the first still has to read.
    #expect(try copies(recompute: recompute, TestModel.parallelResidual(blocks: 3)) == 3)
  }

  @Test func theLastSharerNeedsNoCopy() throws {
    let body: Fixture.Body = { graph, inputs in
      let x = try OpCase.rows(&graph, inputs)
      let y = try OpCase.rows(&graph, inputs, name: "x2")
      let left = try graph.activation(x, .silu)
      let right = try graph.activation(y, .silu)
      let sum = try graph.linear(graph.add(x, y), "w", out: Fixture.rows, initial: OpCase.initial)
      let product = try graph.activation("product", Fixture.rows, Fixture.rows)
      try graph.linear(left, weight: right, into: product)
      return try graph.add(product, sum)
    }
    #expect(try copies(body) == 1)
    #expect(try Fixture(ReferenceDevice(), body).gradientError().error < GradientTests.tolerance)
  }
}
