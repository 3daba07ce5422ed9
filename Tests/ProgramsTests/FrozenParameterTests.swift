import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct FrozenParameterTests {
  @Test func nothingIsComputedBelowTheLowestTrainedParameter() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(
      device, isTrainable: { $0.hasPrefix("h2.") || $0 == "ln" }, TestModel.llama(blocks: 3))
    try fixture.program.run()
    // Of three blocks only the last is gone through backwards, down to its first norm.
    #expect(device.launches["attention"] == 3)
    #expect(device.launches["attentionBackward"] == 1)
    #expect(device.launches["gatedBackward"] == 1)
    #expect(device.launches["normBackward"] == 3)
    #expect(device.launches["gatherRowsBackward"] == nil)
    // Forward 4 products a block and the head; backward the head's dX, and dW and dX in the block but for dX below qkv.
    #expect(device.launches["matmul"] == 3 * 4 + 1 + 1 + 4 * 2)
  }

  @Test func nothingIsRecomputedThere() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(
      device, recompute: .block, isTrainable: { $0.hasPrefix("h2.") }, TestModel.llama(blocks: 3))
    try fixture.program.run()
    #expect(device.launches["attention"] == 3 + 1)
  }

  @Test func nothingIsComputedWhenAllIsFrozen() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, isTrainable: { _ in false }, TestModel.gpt2(blocks: 2))
    #expect(fixture.program.operationCount == ProgramPlan(fixture.forward).ops.count)
    try fixture.program.run()
    #expect(try fixture.losses().contains { $0 != 0 })
    #expect(fixture.store.groups.allSatisfy { $0.state == nil })
  }

  /// The weights of a head norm right above a frozen embedding, and either of them alone.
  @Test(arguments: ["x", "qn", "kn"])
  func headNormWeights(frozen: String) throws {
    let body: Fixture.Body = { graph, inputs in
      let spec = HeadNormSpec(heads: 2, kvHeads: 1, headDimension: 2, headStride: 2, epsilon: 1e-6)
      return try graph.headNorm(OpCase.rows(&graph, inputs), queryWeight: "qn", keyWeight: "kn", spec)
    }
    var expected = try Fixture(ReferenceDevice(), body).gradients()
    expected[frozen] = nil
    #expect(try Fixture(ReferenceDevice(), isTrainable: { $0 != frozen }, body).gradients() == expected)
  }

  /// Among them norm weights right above a frozen embedding, where no gradient of the norm's input is wanted.
  @Test(arguments: ["head", "h1.", "ln", "x", "o"])
  func trainedGradientsAreThoseOfTheWholeModel(frozen: String) throws {
    for body in [TestModel.gpt2(blocks: 2), TestModel.llama(blocks: 2), TestModel.parallelResidual(blocks: 2)] {
      let all = try Fixture(ReferenceDevice(), body).gradients()
      let fixture = try Fixture(ReferenceDevice(), isTrainable: { !$0.contains(frozen) }, body)
      let some = try fixture.gradients()
      #expect(some == all.filter { !$0.key.contains(frozen) })
      #expect(!some.isEmpty)
    }
  }

  @Test(arguments: TestDevice.allCases)
  func frozenParametersDoNotChange(device: TestDevice) throws {
    let fixture = try Fixture(device.make(), isTrainable: { !$0.hasPrefix("h0.") }, TestModel.gpt2(blocks: 2))
    let optimizer = try OptimizerProgram(store: fixture.store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    fixture.device.scalars.pointee.learningRate = 0.01
    let before = try fixture.weights()
    for _ in 0..<3 {
      try fixture.program.run()
      try optimizer.run()
    }
    for (name, weight) in try fixture.weights() {
      #expect((weight == before[name]) == name.hasPrefix("h0."), "\(name)")
    }
  }

  @Test func trainingAFrozenParameterIsAnError() throws {
    var graph = Graph()
    _ = try Fixture.emit(into: &graph, rows: 6, TestModel.gpt2(blocks: 1))
    let store = try ParameterStore(device: ReferenceDevice(), parameters: graph.parameters)
    #expect(throws: GraphError.self) { try Program(try Backward.differentiate(graph), store: store) }
    _ = try Program(graph, store: store)
  }
}
