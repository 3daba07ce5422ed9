import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct DeadCodeTests {
  @Test func operationsThatReachNoResultAreRemoved() throws {
    let device = ReferenceDevice()
    func body(_ dead: Bool) -> Fixture.Body {
      { graph, inputs in
        let x = try OpCase.rows(&graph, inputs)
        if dead {
          let y = try graph.linear(x, "w", out: 4, initial: OpCase.initial)
          _ = try graph.add(graph.activation(y, .silu), y)
        }
        return try graph.activation(x, .geluTanh)
      }
    }
    let lean = try Fixture(device, body(false))
    let wasteful = try Fixture(device, body(true))
    #expect(wasteful.forward.operationCount == lean.forward.operationCount + 3)
    #expect(wasteful.program.operationCount == lean.program.operationCount)
    #expect(wasteful.program.memory.activations == lean.program.memory.activations)
    #expect(try wasteful.gradients()["x"] == lean.gradients()["x"])
    // The weight nobody needs is trained all the same: by zero.
    #expect(try wasteful.gradients()["w"]?.allSatisfy { $0 == 0 } == true)
  }

  /// A recomputed block needs neither its last product nor what the next block made of it.
  @Test func recomputationStopsAtWhatTheBackwardPassReads() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, recompute: .block, TestModel.gpt2(blocks: 1))
    try fixture.program.run()
    #expect(device.launches["attention"] == 2)
    #expect(device.launches["activation"] == 2)
    // Forward: 4 products and the head. Again: qkv, o, up, not down. Backward: 2 for each of the 5.
    #expect(device.launches["matmul"] == 5 + 3 + 10)
  }

  @Test func theLossIsComputedOnceInTraining() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device) { graph, inputs in try OpCase.rows(&graph, inputs) }
    try fixture.program.run()
    #expect(device.launches["crossEntropy"] == 1)
    #expect(try fixture.losses().contains { $0 != 0 })
  }

  @Test func updatesOfPersistentMemoryAreKept() throws {
    let device = ReferenceDevice()
    var graph = Graph()
    let tokens = try graph.input("tokens", 1, 1, .int32)
    let keys = try graph.persistent("keys", 4, 2)
    let values = try graph.persistent("values", 4, 2)
    let qkv = try graph.embedding(
      tokens, table: graph.parameter("x", 3, 6, role: .embedding, initial: .zeros), length: 1)
    _ = try graph.attentionCached(
      qkv, keys: keys, values: values, capacity: 4,
      AttentionSpec(length: 1, heads: 1, kvHeads: 1, headDimension: 2, scale: 1))
    let store = try ParameterStore(device: device, parameters: graph.parameters)
    let weights = (0..<18).map(Float.init)
    device.write(weights, to: try #require(store.weight("x")))
    let program = try Program(graph, store: store)
    device.write([Int32(2)], to: program[tokens])
    device.scalars.pointee.position = 3
    try program.run()
    #expect(try device.floats(program[keys]) == [0, 0, 0, 0, 0, 0, 14, 15])
    #expect(try device.floats(program[values]) == [0, 0, 0, 0, 0, 0, 16, 17])
  }
}
