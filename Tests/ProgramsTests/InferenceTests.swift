import Tensors
import TestSupport
import Testing

@testable import Programs

/// Programs that only look: scoring, logits, and decoding with a cache.
@Suite struct InferenceTests {
  private static let spec = AttentionSpec(length: 6, heads: 4, kvHeads: 2, headDimension: 4, scale: 0.5)
  /// Each of what may change scores: nothing; a window that the cached steps leave behind; a cap; slopes.
  private static let variants: [(spec: AttentionSpec, slopes: [Float]?)] = [
    (spec, nil), (AttentionSpec(length: 6, heads: 4, kvHeads: 2, headDimension: 4, scale: 0.5, window: 2), nil),
    (AttentionSpec(length: 6, heads: 4, kvHeads: 2, headDimension: 4, scale: 0.5, window: 4, softcap: 0.3), nil),
    (spec, [1, 0.5, 0.25, 2]),
  ]

  @Test(arguments: TestDevice.allCases)
  func scoresAreNegativeLosses(device: TestDevice) throws {
    let fixture = try Fixture(device.make(), TestModel.gpt2(blocks: 1))
    let targets: [Int32] = [1, 2, 3, 4, 5, 6]
    try fixture.write(tokens: [3, 1, 4, 1, 5, 2], targets: targets)
    try fixture.program.run()

    var graph = Graph()
    let inputs = try Fixture.emit(into: &graph, rows: 6) { graph, inputs in
      let hidden = try TestModel.gpt2(blocks: 1)(&graph, inputs)
      let head = try graph.parameter("head", Fixture.vocabulary, OpCase.width, role: .linear, initial: .zeros)
      try graph.linear(hidden, weight: head, into: graph.persistent("logits", 6, Fixture.vocabulary))
      try graph.linearLogProbabilities(
        hidden, weight: head, targets: inputs.targets, scores: graph.persistent("scores", 6, 1),
        greedy: graph.persistent("greedy", 6, 1, .int32))
      return hidden
    }
    let program = try Program(graph, store: fixture.store)
    fixture.device.write([3, 1, 4, 1, 5, 2] as [Int32], to: program[inputs.tokens])
    fixture.device.write(targets, to: program[inputs.targets])
    try program.run()
    func result(_ name: String) throws -> Tensor {
      program[Value(id: Int32(try #require(graph.values.firstIndex { $0.name == name })))]
    }
    let scores = try fixture.device.floats(result("scores"))
    #expect(maximumDifference(scores, try fixture.losses().map { -$0 }) < 1e-6)
    let logits = try fixture.device.floats(result("logits"))
    let likeliest = (0..<6).map { row in
      let row = logits[row * Fixture.vocabulary..<(row + 1) * Fixture.vocabulary]
      return Int32((row.firstIndex(of: row.max() ?? 0) ?? 0) - row.startIndex)
    }
    #expect(try fixture.device.integers(result("greedy")) == likeliest)
  }

  /// Rotary embedding and attention over rows [2·length, 32] of two sequences: whole, or against caches of 8 positions.
  private struct AttentionProgram {
    static let columns = (spec.heads + 2 * spec.kvHeads) * spec.headDimension
    let program: Program
    let input: Value
    let result: Value
    let caches: [Value]

    init(
      _ device: any Device, _ variant: (spec: AttentionSpec, slopes: [Float]?), length: Int, isCached: Bool
    ) throws {
      var graph = Graph()
      input = try graph.input("qkv", 2 * length, Self.columns, .float32)
      caches = try ["keys", "values"].map { try graph.persistent($0, 2 * 8, spec.kvHeads * spec.headDimension) }
      result = try graph.persistent("y", 2 * length, spec.heads * spec.headDimension)

      let rotated = try graph.activation("rotated", 2 * length, Self.columns)
      graph.emit(CopyOp(y: rotated, x: input))
      let rope = RoPESpec(length: length, heads: spec.heads + spec.kvHeads, headDimension: spec.headDimension)
      try graph.rope(rotated, table: OpCase.rotaryTable(&graph, length: 8), rope)
      var attention = variant.spec
      attention.length = length
      let slopes = try variant.slopes.map { try graph.constant("slopes", 1, $0.count, $0) }
      let y =
        isCached
        ? try graph.attentionCached(
          rotated, slopes: slopes, keys: caches[0], values: caches[1], capacity: 8, attention)
        : try graph.attention(rotated, slopes: slopes, attention)
      graph.emit(CopyOp(y: result, x: y))
      program = try Program(graph, store: ParameterStore(device: device, parameters: []))
    }

    func run(_ device: any Device, _ rows: [Float], at position: Int = 0) throws -> [Float] {
      device.scalars.pointee.position = Int32(position)
      device.write(rows, to: program[input])
      try program.run()
      return try device.floats(program[result])
    }
  }

  /// A prefix of three tokens at once, then token by token, against all six at once.
  @Test(arguments: TestDevice.allCases, variants.indices)
  func cachedAttentionAgreesWithAttentionOverTheWhole(device: TestDevice, variant: Int) throws {
    let device = try device.make()
    let variant = Self.variants[variant]
    let rows = randomFloats(2 * 6 * AttentionProgram.columns, seed: 9)
    /// These positions of both sequences, of six positions each.
    func part(_ elements: [Float], _ positions: Range<Int>) -> [Float] {
      let columns = elements.count / 12
      let first = positions.lowerBound * columns
      let count = positions.count * columns
      return [first, first + 6 * columns].flatMap { elements[$0..<$0 + count] }
    }
    let whole = try AttentionProgram(device, variant, length: 6, isCached: false).run(device, rows)
    let prefix = try AttentionProgram(device, variant, length: 3, isCached: true)
    let step = try AttentionProgram(device, variant, length: 1, isCached: true)

    let first = try prefix.run(device, part(rows, 0..<3))
    #expect(maximumDifference(first, part(whole, 0..<3)) < 1e-5)
    for (from, to) in zip(prefix.caches, step.caches) { device.copy(step.program[to], prefix.program[from]) }
    for position in 3..<6 {
      let next = try step.run(device, part(rows, position..<position + 1), at: position)
      #expect(maximumDifference(next, part(whole, position..<position + 1)) < 1e-5, "position \(position)")
    }
  }
}
