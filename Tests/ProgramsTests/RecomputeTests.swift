import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct RecomputeTests {
  @Test(arguments: TestDevice.allCases, [Recompute.cheap, .block])
  func changesNoBit(device: TestDevice, recompute: Recompute) throws {
    for body in [TestModel.gpt2(blocks: 3), TestModel.llama(blocks: 3), TestModel.parallelResidual(blocks: 3)] {
      let kept = try Fixture(device.make(), body)
      let recomputed = try Fixture(device.make(), recompute: recompute, body)
      #expect(try recomputed.gradients() == kept.gradients())
      #expect(try recomputed.losses() == kept.losses())
      #expect(try kept.losses().contains { $0 != 0 })
    }
  }

  @Test func needsLessMemoryAndMoreComputation() throws {
    func plan(_ recompute: Recompute, blocks: Int) throws -> ProgramPlan {
      var graph = Graph(recompute: recompute)
      _ = try Fixture.emit(into: &graph, rows: 60, TestModel.llama(blocks: blocks))
      return ProgramPlan(try Backward.differentiate(graph))
    }
    let kept = try plan(.none, blocks: 12)
    let recomputed = try plan(.block, blocks: 12)
    let cheap = try plan(.cheap, blocks: 12)
    #expect(Double(cheap.arenaSize) < 0.8 * Double(kept.arenaSize))
    // Matrix products are not repeated.
    #expect(cheap.floatingPointOperations == kept.floatingPointOperations)
    #expect(recomputed.arenaSize * 3 < kept.arenaSize)
    #expect(recomputed.floatingPointOperations > kept.floatingPointOperations)
    // A further block costs its input, [60, 8] in float32, and nothing else.
    let further = try plan(.block, blocks: 13)
    #expect(further.arenaSize - recomputed.arenaSize == 60 * OpCase.width * 4)
  }

  /// The first copy of what is computed again is not kept, nor is anything computed twice for two readers.
  @Test func repeatsWhatIsReadAgainOnce() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, recompute: .cheap) { graph, inputs in
      let x = try OpCase.rows(&graph, inputs)
      return try graph.region { graph throws in
        let y = try graph.activation(x, .silu)
        return try graph.add(
          graph.linear(y, "w1", out: 8, initial: OpCase.initial), graph.linear(y, "w2", out: 8, initial: OpCase.initial)
        )
      }
    }
    try fixture.program.run()
    #expect(device.launches["activation"] == 2)
  }

  /// Over sequences that are short beside the width, attention is computed again too; two readers share it.
  @Test func repeatsShortAttentionAlone() throws {
    func launches(width: Int) throws -> (attention: Int?, matmul: Int?) {
      let device = ReferenceDevice()
      let fixture = try Fixture(device, recompute: .cheap) { graph, inputs in
        let x = try OpCase.rows(&graph, inputs)
        return try graph.region { graph throws in
          let qkv = try graph.linear(x, "qkv", out: 3 * width, initial: OpCase.initial)
          let y = try graph.attention(
            qkv, AttentionSpec(length: 6, heads: 2, kvHeads: 2, headDimension: width / 2, scale: 0.5))
          return try graph.linear(y, "o", out: 8, initial: OpCase.initial)
        }
      }
      try fixture.program.run()
      return (device.launches["attention"], device.launches["matmul"])
    }
    // 3 keys are visible on average: twice 3 is half of 12.
    let (repeated, kept) = (try launches(width: 12), try launches(width: 8))
    #expect(repeated.attention == 2 && kept.attention == 1)
    #expect(repeated.matmul == kept.matmul)
  }

  @Test func shortAttentionChangesNoBit() throws {
    let body = { @Sendable (graph: inout Graph, inputs: Fixture.Inputs) throws -> Value in
      let x = try OpCase.rows(&graph, inputs)
      return try graph.region { graph throws in
        let qkv = try graph.linear(x, "qkv", out: 48, initial: OpCase.initial)
        let y = try graph.attention(
          qkv, AttentionSpec(length: 6, heads: 2, kvHeads: 2, headDimension: 8, scale: 0.5))
        return try graph.linear(y, "o", out: 8, initial: OpCase.initial)
      }
    }
    let kept = try Fixture(ReferenceDevice(), body)
    let repeated = try Fixture(ReferenceDevice(), recompute: .cheap, body)
    #expect(try repeated.gradients() == kept.gradients() && repeated.losses() == kept.losses())
    #expect(try kept.gradients().contains { $0.value.contains { $0 != 0 } })
  }

  @Test func refusesToRepeatAnInPlaceOperation() {
    #expect {
      _ = try Fixture(ReferenceDevice(), recompute: .block) { graph, inputs in
        let x = try OpCase.rows(&graph, inputs)
        try graph.region { graph throws in
          try graph.rope(
            x, table: OpCase.rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 1, headDimension: 4))
        }
        return x
      }
    } throws: { error in
      "\(error)"
        == "RoPEOp would overwrite 'embedded', which is still needed; it must come first and in the same region"
    }
  }

  /// Its backward operation computes the loss too, so that neither the first nor the second forward copy is needed.
  @Test func aLossMayLieInARegion() throws {
    func body(_ graph: inout Graph, _ inputs: Fixture.Inputs) throws -> Value {
      let x = try OpCase.rows(&graph, inputs)
      return try graph.region { graph throws in
        let y = try graph.activation(x, .silu)
        let weight = try graph.parameter("w", Fixture.vocabulary, OpCase.width, role: .linear, initial: .zeros)
        try graph.linearCrossEntropy(
          y, weight: weight, targets: inputs.targets, losses: graph.persistent("more losses", Fixture.rows, 1))
        return try graph.activation(y, .geluTanh)
      }
    }
    let kept = try Fixture(ReferenceDevice(), body)
    let device = ReferenceDevice()
    let recomputed = try Fixture(device, recompute: .block, body)
    #expect(try recomputed.gradients() == kept.gradients())
    #expect(try recomputed.losses() == kept.losses())
    #expect(try kept.gradientError().error < GradientTests.tolerance)
    #expect(device.launches["crossEntropy"] == 2)
  }

  /// A region within a region is part of it.
  @Test func regionsNest() throws {
    func body(_ graph: inout Graph, _ inputs: Fixture.Inputs) throws -> Value {
      let x = try OpCase.rows(&graph, inputs)
      return try graph.region { graph throws in
        let y = try graph.region { graph throws in try graph.activation(x, .silu) }
        return try graph.activation(graph.linear(y, "w", out: 4, initial: OpCase.initial), .geluTanh)
      }
    }
    #expect(
      try Fixture(ReferenceDevice(), recompute: .block, body).gradients()
        == Fixture(ReferenceDevice(), body).gradients())
  }
}
