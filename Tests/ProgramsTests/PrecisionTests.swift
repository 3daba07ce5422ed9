import CPUBackend
import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite("bfloat16")
struct PrecisionTests {
  @Test("losses and gradients are those of float32 but for rounding", arguments: [Recompute.none, .block])
  func agreesWithFloat32(recompute: Recompute) throws {
    for body in [TestModel.gpt2(blocks: 2), TestModel.llama(blocks: 2)] {
      let exact = try Fixture(ReferenceDevice(), rows: 12, recompute: recompute, body)
      let rounded = try Fixture(ReferenceDevice(), rows: 12, precision: .bfloat16, recompute: recompute, body)
      let expected = try exact.gradients()
      for (name, gradient) in try rounded.gradients() {
        #expect(relativeDifference(gradient, try #require(expected[name])) < 0.1, "gradient of \(name)")
      }
      #expect(maximumDifference(try rounded.losses(), try exact.losses()) < 0.1)
      #expect(try rounded.losses() != exact.losses())
    }
  }

  @Test("activations take half the memory; gradients of parameters, masters and moments are float32")
  func memory() throws {
    let device = ReferenceDevice()
    func report(_ precision: Precision) throws -> MemoryReport {
      try Fixture(device, rows: 12, precision: precision, TestModel.llama(blocks: 2)).program.memory
    }
    let full = try report(.float32)
    let half = try report(.bfloat16)
    let small = try report(Precision(compute: .bfloat16, moments: .bfloat16))
    #expect(half.parameters * 2 == full.parameters)
    #expect(half.gradients == full.gradients)
    #expect(half.optimizer == full.optimizer + full.parameters)
    #expect(small.optimizer == full.optimizer / 2 + full.parameters)
    #expect(Double(half.activations) < 0.6 * Double(full.activations))
  }

  @Test("the rounded parameters follow their masters through an update")
  func masters() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, precision: .bfloat16, TestModel.gpt2(blocks: 1))
    let optimizer = try OptimizerProgram(store: fixture.store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    device.scalars.pointee.learningRate = 1e-4
    device.scalars.pointee.biasCorrection1 = 0.1
    device.scalars.pointee.biasCorrection2 = 0.05
    let before = try fixture.weights()
    try fixture.program.run()
    try optimizer.run()
    let after = try fixture.weights()
    for (name, weights) in after {
      // The step is smaller than what bfloat16 resolves, but not lost.
      #expect(weights != before[name])
      let rounded = try device.readFloats(try #require(fixture.store.weight(name)))
      #expect(rounded == weights.map { BFloat16.value(BFloat16.bits(of: $0)) })
    }
  }

  @Test("frozen parameters of a model that is trained are kept as they were loaded")
  func frozen() throws {
    let values = randomFloats(12, seed: 1)
    let parameters = ["a", "b"].map {
      Parameter(name: $0, rows: 3, columns: 4, role: .linear, initial: .zeros)
    }
    func read(frozen: Set<String>) throws -> (values: [Float], bytes: Int) {
      let device = ReferenceDevice()
      let store = try ParameterStore(device: device, parameters: parameters, precision: .bfloat16) {
        frozen.contains($0.name) ? .frozen : ParameterGroup()
      }
      try values.withUnsafeBufferPointer { try store.write($0, of: "b", at: 0) }
      #expect(
        try device.readFloats(try #require(store.weight("b"))) == values.map { BFloat16.value(BFloat16.bits(of: $0)) })
      return (try store.read(0..<12, of: "b"), device.allocatedBytes)
    }
    let trained = try read(frozen: ["b"])
    #expect(trained.values == values)
    // Two parameters of 16 stored elements, their masters, and gradient and moments of one.
    #expect(trained.bytes == 2 * 16 * (2 + 4) + 16 * 3 * 4)
    // Nobody needs more than the rounded values of a model that is only run.
    let scored = try read(frozen: ["a", "b"])
    #expect(scored.values == values.map { BFloat16.value(BFloat16.bits(of: $0)) })
    #expect(scored.bytes == 2 * 16 * 2)
  }

  @Test("a store refuses what its device does not compute")
  func unsupported() throws {
    let device = try CPUDevice(threads: 1)
    func make(_ precision: Precision) throws {
      _ = try ParameterStore(device: device, parameters: [], precision: precision)
    }
    #expect(throws: DeviceError.self) { try make(.bfloat16) }
    #expect(throws: Never.self) { try make(Precision(compute: .float32, moments: .bfloat16)) }
  }

  @Test("a product of bfloat16 activations has a gradient that is added up in float32")
  func gatheredActivation() throws {
    // Rows of an activation can not be gathered in a graph that is differentiated.
    #expect(throws: GraphError.self) {
      _ = try Fixture(ReferenceDevice(), precision: .bfloat16) { graph, inputs in
        let x = try OpCase.rows(&graph, inputs)
        return try graph.gatherRows(graph.activation(x, .silu), inputs.tokens)
      }
    }
  }
}

/// Heads of 6 elements become heads of 8.
@Suite("Padded heads")
struct PaddedHeadTests {
  static let heads = 2, dimension = 6

  /// Attention over 2 heads of 6, by either layout of the weights.
  static func attention(_ layout: WeightLayout) -> Fixture.Body {
    { graph, inputs in
      let x = try OpCase.rows(&graph, inputs, 10)
      let qkv = try graph.linear(
        x, "qkv", out: 3 * heads * dimension, layout: layout, bias: "qkv.bias", initial: .normal(1),
        heads: .output(dimension: dimension))
      let stride = graph.precision.headStride(dimension)
      let y = try graph.attention(
        qkv, AttentionSpec(length: Fixture.rows, heads: heads, kvHeads: heads, headDimension: stride, scale: 0.4))
      return try graph.linear(
        y, "o", out: 10, layout: layout, bias: "o.bias", initial: .normal(1), heads: .input(dimension: dimension))
    }
  }

  @Test("compute what unpadded ones do", arguments: [WeightLayout.outputInput, .inputOutput])
  func agree(layout: WeightLayout) throws {
    let exact = try Fixture(ReferenceDevice(), Self.attention(layout))
    let padded = try Fixture(ReferenceDevice(), precision: .bfloat16, Self.attention(layout))
    #expect(padded.store.weight("qkv")?.count == 10 * 3 * 2 * 8)
    #expect(padded.store.weight("o")?.count == 10 * 2 * 8)
    #expect(padded.store.parameterCount == exact.store.parameterCount)
    let expected = try exact.gradients()
    for (name, gradient) in try padded.gradients() {
      #expect(relativeDifference(gradient, try #require(expected[name])) < 0.1, "gradient of \(name)")
    }
    #expect(maximumDifference(try padded.losses(), try exact.losses()) < 0.1)
  }

  @Test("what is added stays zero", arguments: [WeightLayout.outputInput, .inputOutput])
  func padding(layout: WeightLayout) throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, precision: .bfloat16, Self.attention(layout))
    let optimizer = try OptimizerProgram(store: fixture.store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    device.scalars.pointee.learningRate = 0.1
    for _ in 0..<3 {
      try fixture.program.run()
      try optimizer.run()
    }
    for name in ["qkv", "qkv.bias", "o"] {
      let all = try device.readFloats(try #require(fixture.store.weight(name)))
      let used = try #require(fixture.store.parameters.first { $0.name == name }).count
      #expect(all.count { $0 != 0 } == used)
    }
  }

  @Test("a layer that is not made of heads is refused")
  func noHeads() {
    for heads in [LinearHeads.output(dimension: 5), .output(dimension: 0), .input(dimension: 3), .input(dimension: 0)] {
      #expect(throws: GraphError.self) {
        _ = try Fixture(ReferenceDevice()) { graph, inputs in
          try graph.linear(OpCase.rows(&graph, inputs, 8), "w", out: 12, initial: .zeros, heads: heads)
        }
      }
    }
  }

  @Test("any range of elements is read as it was written")
  func ranges() throws {
    let store = try Fixture(ReferenceDevice(), precision: .bfloat16, Self.attention(.outputInput)).store
    for parameter in store.parameters {
      let values = randomFloats(parameter.count, seed: 1)
      // In pieces that begin and end within heads.
      for start in stride(from: 0, to: parameter.count, by: 17) {
        let piece = Array(values[start..<min(start + 17, parameter.count)])
        try piece.withUnsafeBufferPointer { try store.write($0, of: parameter.name, at: start) }
      }
      #expect(try store.read(0..<parameter.count, of: parameter.name) == values)
      for start in stride(from: 0, to: parameter.count, by: 29) {
        let range = start..<min(start + 29, parameter.count)
        #expect(try store.read(range, of: parameter.name) == Array(values[range]))
      }
    }
  }
}
