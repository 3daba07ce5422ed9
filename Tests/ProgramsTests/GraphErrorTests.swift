import Tensors
import TestSupport
import Testing

@testable import Programs

/// What is wrong with a graph is said while it is built, in a sentence.
@Suite struct GraphErrorTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let build: @Sendable (inout Graph, _ x: Value, _ tokens: Value) throws -> Void

    init(_ message: String, _ build: @escaping @Sendable (inout Graph, Value, Value) throws -> Void) {
      testDescription = message
      self.build = build
    }
  }

  private static let treeSpec = AttentionSpec(length: 0, heads: 2, kvHeads: 1, headDimension: 2, scale: 1)

  /// `x` is an activation [6, 8] named 'embedded', `tokens` an int32 [6, 1].
  static let cases: [Case] = [
    Case("sum of 'y': expected 6 x 8 float32, found 6 x 4 float32") { graph, x, _ in
      _ = try graph.add(x, graph.linear(x, "y", out: 4, initial: .zeros))
    },
    Case("linear input of 'tokens': expected any x any float32, found 6 x 1 int32") { graph, _, tokens in
      _ = try graph.linear(tokens, "w", out: 4, initial: .zeros)
    },
    Case("linear input of 'embedded': expected any x 4 float32, found 6 x 8 float32") { graph, x, _ in
      let weight = try graph.parameter("w", 5, 4, role: .linear, initial: .zeros)
      try graph.linear(x, weight: weight, into: graph.persistent("logits", 6, 5))
    },
    Case("linear output of 'logits': expected 6 x 5 float32, found 6 x 4 float32") { graph, x, _ in
      let weight = try graph.parameter("w", 5, 8, role: .linear, initial: .zeros)
      try graph.linear(x, weight: weight, into: graph.persistent("logits", 6, 4))
    },
    Case("residual branch of 'y': expected 6 x 8 float32, found 6 x 4 float32") { graph, x, _ in
      _ = try graph.norm(
        x, adding: graph.linear(x, "y", out: 4, initial: .zeros), weight: "n", OpCase.rmsNorm)
    },
    Case("parameter 'w' is used as 4 x 8 and as 5 x 8") { graph, x, _ in
      _ = try graph.linear(x, "w", out: 4, initial: .zeros)
      _ = try graph.linear(x, "w", out: 5, initial: .zeros)
    },
    Case("gated activation: expected an even number of columns, found 7") { graph, x, _ in
      _ = try graph.gated(graph.linear(x, "w", out: 7, initial: .zeros), .silu)
    },
    Case("tokens of 'embedded': expected any x 1 int32, found 6 x 8 float32") { graph, x, _ in
      let table = try graph.parameter("t", 5, 4, role: .embedding, initial: .zeros)
      _ = try graph.embedding(x, table: table, length: 6)
    },
    Case("position embedding: expected at least 6 positions, found 5") { graph, _, tokens in
      let table = try graph.parameter("t", 5, 4, role: .embedding, initial: .zeros)
      _ = try graph.embedding(tokens, table: table, positions: table, length: 6)
    },
    Case("embedding of 'tokens': expected sequences of 4 rows, found 6 rows") { graph, _, tokens in
      let table = try graph.parameter("t", 5, 4, role: .embedding, initial: .zeros)
      _ = try graph.embedding(tokens, table: table, positions: table, length: 4)
    },
    Case("attention of 'embedded': expected any x 12 float32, found 6 x 8 float32") { graph, x, _ in
      _ = try graph.attention(x, AttentionSpec(length: 6, heads: 1, kvHeads: 1, headDimension: 4, scale: 1))
    },
    Case("attention of 'embedded': expected sequences of 0 rows, found 6 rows") { graph, x, _ in
      _ = try graph.attention(x, AttentionSpec(length: 0, heads: 2, kvHeads: 1, headDimension: 2, scale: 1))
    },
    Case(
      "attention: expected a number of query heads that is a multiple of the key/value heads, "
        + "found 3 query heads, 2 key/value heads of 1"
    ) { graph, x, _ in
      _ = try graph.attention(x, AttentionSpec(length: 6, heads: 3, kvHeads: 2, headDimension: 1, scale: 1))
    },
    Case(
      "attention: expected a number of query heads that is a multiple of the key/value heads, "
        + "found 4611686018427387904 query heads, 1 key/value heads of 4"
    ) { graph, x, _ in
      _ = try graph.attention(x, AttentionSpec(length: 6, heads: 1 << 62, kvHeads: 1, headDimension: 4, scale: 1))
    },
    Case("attention slopes of 'slopes': expected 1 x 2 float32, found 1 x 3 float32") { graph, x, _ in
      let slopes = try graph.constant("slopes", 1, 3, [1, 1, 1])
      _ = try graph.attention(
        x, slopes: slopes, AttentionSpec(length: 6, heads: 2, kvHeads: 1, headDimension: 2, scale: 1))
    },
    Case("document starts of 'starts': expected 6 x 1 int32, found 3 x 1 int32") { graph, x, _ in
      _ = try graph.attention(
        x, documentStarts: graph.input("starts", 3, 1, .int32),
        AttentionSpec(length: 6, heads: 2, kvHeads: 1, headDimension: 2, scale: 1))
    },
    Case("attention: expected a window of one key at least, found 0") { graph, x, _ in
      _ = try graph.attention(
        x, AttentionSpec(length: 6, heads: 2, kvHeads: 1, headDimension: 2, scale: 1, window: 0))
    },
    Case("attention spans of 'spans': expected 6 x 4 int32, found 6 x 3 int32") { graph, x, _ in
      _ = try graph.attentionTree(x, spans: graph.input("spans", 6, 3, .int32), treeSpec)
    },
    Case("prefix values of 'values': expected 5 x 2 float32, found 4 x 2 float32") { graph, x, _ in
      _ = try graph.attentionTree(
        x, prefixKeys: graph.external("keys", 5, 2, .float32), prefixValues: graph.external("values", 4, 2, .float32),
        spans: graph.input("spans", 6, 4, .int32), treeSpec)
    },
    Case("attention tree: expected both keys and values of the prefix, or neither, found keys alone") { graph, x, _ in
      _ = try graph.attentionTree(
        x, prefixKeys: graph.external("keys", 5, 2, .float32), spans: graph.input("spans", 6, 4, .int32), treeSpec)
    },
    Case("head norm: expected 3 + 2 x 1 heads of 2, found 8 columns") { graph, x, _ in
      let spec = HeadNormSpec(heads: 3, kvHeads: 1, headDimension: 2, headStride: 2, epsilon: 1e-6)
      _ = try graph.headNorm(x, queryWeight: "q", keyWeight: "k", spec)
    },
    Case("position embedding: expected at least 6 positions, found 5") { graph, _, tokens in
      let table = try graph.parameter("t", 7, 4, role: .embedding, initial: .zeros)
      _ = try graph.embedding(tokens, table: table, positions: table, firstPosition: 2, length: 6)
    },
    Case("token embedding: expected a padding row below 7, found 7") { graph, _, tokens in
      let table = try graph.parameter("t", 7, 4, role: .embedding, initial: .zeros)
      _ = try graph.embedding(tokens, table: table, padding: 7, length: 6)
    },
    Case("key cache of 'keys': expected 20 x 2 float32, found 10 x 2 float32") { graph, x, _ in
      let spec = AttentionSpec(length: 3, heads: 2, kvHeads: 1, headDimension: 2, scale: 1)
      let keys = try graph.persistent("keys", 10, 2)
      _ = try graph.attentionCached(x, keys: keys, values: keys, capacity: 10, spec)
    },
    Case("rotary table of 'rotary': expected any x 2 float32, found 6 x 4 float32") { graph, x, _ in
      try graph.rope(
        x, table: OpCase.rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 1, headDimension: 2))
    },
    Case("rotary table: expected at least 6 positions, found 5") { graph, x, _ in
      try graph.rope(
        x, table: OpCase.rotaryTable(&graph, length: 5), RoPESpec(length: 6, heads: 1, headDimension: 4))
    },
    Case("rotary embedding: expected 3 heads of an even dimension, found dimension 4 in 8 columns") { graph, x, _ in
      try graph.rope(
        x, table: OpCase.rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 3, headDimension: 4))
    },
    Case(
      "rotary embedding would overwrite 'embedded', which is still needed; "
        + "it must come first and in the same region"
    ) { graph, x, _ in
      _ = try graph.activation(x, .silu)
      try graph.rope(
        x, table: OpCase.rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 2, headDimension: 4))
    },
    Case("head of 'w': expected any x 8 float32, found 5 x 4 float32") { graph, x, tokens in
      let weight = try graph.parameter("w", 5, 4, role: .linear, initial: .zeros)
      try graph.linearCrossEntropy(x, weight: weight, targets: tokens, losses: graph.persistent("l", 6, 1))
    },
    Case("targets of 'losses': expected 6 x 1 int32, found 6 x 1 float32") { graph, x, _ in
      let weight = try graph.parameter("w", 5, 8, role: .linear, initial: .zeros)
      let losses = try graph.persistent("losses", 6, 1)
      try graph.linearCrossEntropy(x, weight: weight, targets: losses, losses: losses)
    },
    Case("greedy tokens of 'scores': expected 6 x 1 int32, found 6 x 1 float32") { graph, x, tokens in
      let weight = try graph.parameter("w", 5, 8, role: .linear, initial: .zeros)
      let scores = try graph.persistent("scores", 6, 1)
      try graph.linearLogProbabilities(x, weight: weight, targets: tokens, scores: scores, greedy: scores)
    },
    Case("'w' would have 4611686018427387904 x 8 elements, more than can be addressed") { graph, x, _ in
      _ = try graph.linear(x, "w", out: 1 << 62, initial: .zeros)
    },
    Case("'empty' would have 0 x 3 elements, more than can be addressed") { graph, _, _ in
      _ = try graph.input("empty", 0, 3, .int32)
    },
    Case("table: expected 4 elements, found 3") { graph, _, _ in _ = try graph.constant("table", 2, 2, [1, 2, 3]) },
  ]

  @Test(arguments: cases)
  func names(_ mistake: Case) throws {
    var graph = Graph()
    let tokens = try graph.input("tokens", 6, 1, .int32)
    let table = try graph.parameter("x", 7, 8, role: .embedding, initial: .zeros)
    let x = try graph.embedding(tokens, table: table, length: 6)
    let error = #expect(throws: GraphError.self) { try mistake.build(&graph, x, tokens) }
    #expect(error?.description == mistake.testDescription)
  }

  @Test func parameterStoreOfAnotherModel() throws {
    var graph = Graph()
    _ = try Fixture.emit(into: &graph, rows: 6, TestModel.gpt2(blocks: 2))
    let device = ReferenceDevice()
    let program = graph
    let lacking = try ParameterStore(device: device, parameters: graph.parameters.filter { $0.name != "h1.up" })
    var error = #expect(throws: GraphError.self) { try Program(program, store: lacking) }
    #expect(error?.description == "parameter 'h1.up' is not in the parameter store")

    let misshapen = try ParameterStore(
      device: device,
      parameters: graph.parameters.map { parameter in
        var parameter = parameter
        if parameter.name == "ln" { parameter.columns = 9 }
        return parameter
      })
    error = #expect(throws: GraphError.self) { try Program(program, store: misshapen) }
    #expect(error?.description == "parameter 'ln' of the store: expected 1 x 8 float32, found 1 x 9 float32")
  }

  @Test func operationWithoutBackwardRule() throws {
    let error = #expect(throws: GraphError.self) {
      _ = try Fixture(ReferenceDevice()) { graph, inputs in
        try graph.attentionCached(
          OpCase.rows(&graph, inputs, 12), keys: graph.persistent("k", 6, 4), values: graph.persistent("v", 6, 4),
          capacity: 6, AttentionSpec(length: 6, heads: 1, kvHeads: 1, headDimension: 4, scale: 1))
      }
    }
    #expect(error?.description == "operation CachedAttentionOp has no backward rule")
  }

  /// A hostile configuration makes a large number, not a trap.
  @Test func sizesDoNotOverflow() throws {
    var graph = Graph()
    let tokens = try graph.input("tokens", 1 << 20, 1, .int32)
    var x = try graph.embedding(
      tokens, table: graph.parameter("t", 1 << 20, 1 << 20, role: .embedding, initial: .zeros), length: 1)
    for _ in 0..<64 { x = try graph.linear(x, "w", out: 1 << 20, initial: .zeros) }
    let losses = try graph.persistent("losses", 1 << 20, 1)
    let head = try graph.parameter("head", 1 << 20, 1 << 20, role: .linear, initial: .zeros)
    try graph.linearCrossEntropy(x, weight: head, targets: tokens, losses: losses)
    let plan = ProgramPlan(try Backward.differentiate(graph))
    #expect(plan.floatingPointOperations == 1 << 62)
    #expect(plan.memory(parameters: graph.parameters, precision: .float32) { _ in ParameterGroup() }.total > 1 << 45)
  }
}
