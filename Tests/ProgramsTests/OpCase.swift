import Tensors
import TestSupport
import Testing

@testable import Programs

/// One way to use an operation, with a gradient that is worth checking.
struct OpCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let body: @Sendable (inout Graph, Fixture.Inputs) throws -> Value

  init(_ description: String, _ body: @escaping @Sendable (inout Graph, Fixture.Inputs) throws -> Value) {
    testDescription = description
    self.body = body
  }

  static let all = linear + norms + pointwise + attention + embedding + losses + shared

  /// Width of the hidden rows.
  static let width = 8
  static let initial = Initial.normal(1)
  static let layerNorm = NormSpec(kind: .layer, epsilon: 1e-5)
  static let rmsNorm = NormSpec(kind: .rms, epsilon: 1e-6)

  /// Rows whose every element is a trained parameter.
  static func rows(
    _ graph: inout Graph, _ inputs: Fixture.Inputs, _ columns: Int = width, name: String = "x"
  ) throws -> Value {
    let table = try graph.parameter(name, Fixture.vocabulary, columns, role: .embedding, initial: initial)
    return try graph.embedding(inputs.tokens, table: table, length: Fixture.rows)
  }

  // MARK: Cases by operation

  static let linear: [OpCase] = [
    OpCase("linear, [out, in], bias") { graph, inputs in
      try graph.linear(rows(&graph, inputs), "w", out: 5, bias: "b", initial: initial)
    },
    OpCase("linear, [in, out], bias") { graph, inputs in
      try graph.linear(rows(&graph, inputs), "w", out: 5, layout: .inputOutput, bias: "b", initial: initial)
    },
    OpCase("two linears of one value") { graph, inputs in
      let x = try rows(&graph, inputs)
      let y = try graph.linear(x, "w1", out: 5, initial: initial)
      return try graph.add(y, graph.linear(x, "w2", out: 5, layout: .inputOutput, initial: initial))
    },
    OpCase("linear by a declared weight, used twice") { graph, inputs in
      let x = try rows(&graph, inputs)
      let weight = try graph.parameter("w", width, width, role: .linear, initial: initial)
      let y = try graph.activation("y", Fixture.rows, width)
      try graph.linear(x, weight: weight, into: y)
      let z = try graph.activation("z", Fixture.rows, width)
      try graph.linear(y, weight: weight, into: z)
      return z
    },
    OpCase("product of two activations") { graph, inputs in
      let y = try graph.activation("y", Fixture.rows, Fixture.rows)
      try graph.linear(rows(&graph, inputs), weight: rows(&graph, inputs, name: "x2"), into: y)
      return y
    },
  ]

  static let norms: [OpCase] = [
    OpCase("layer norm with bias") { graph, inputs in
      try graph.norm(rows(&graph, inputs), weight: "n", bias: "nb", layerNorm).y
    },
    OpCase("RMS norm") { graph, inputs in try graph.norm(rows(&graph, inputs), weight: "n", rmsNorm).y },
    OpCase("RMS norm with an offset, of a sum") { graph, inputs in
      try graph.norm(
        rows(&graph, inputs), adding: rows(&graph, inputs, name: "x2"), weight: "n",
        NormSpec(kind: .rms, epsilon: 1e-6, weightOffset: 1)
      ).y
    },
    OpCase("fused residual and layer norm, both used") { graph, inputs in
      let delta = try rows(&graph, inputs, name: "x2")
      let (y, sum) = try graph.norm(rows(&graph, inputs), adding: delta, weight: "n", bias: "nb", layerNorm)
      return try graph.add(y, sum)
    },
    OpCase("fused residual and RMS norm, both used") { graph, inputs in
      let delta = try rows(&graph, inputs, name: "x2")
      let (y, sum) = try graph.norm(rows(&graph, inputs), adding: delta, weight: "n", rmsNorm)
      return try graph.add(y, sum)
    },
    OpCase("fused residual of which only the sum is used") { graph, inputs in
      try graph.norm(rows(&graph, inputs), adding: rows(&graph, inputs, name: "x2"), weight: "n", rmsNorm).sum
    },
  ]

  static let pointwise: [OpCase] =
    [Activation.geluTanh, .geluErf, .silu, .relu].flatMap { kind in
      [
        OpCase("\(kind)") { graph, inputs in try graph.activation(rows(&graph, inputs), kind) },
        OpCase("gated \(kind)") { graph, inputs in try graph.gated(rows(&graph, inputs, 2 * width), kind) },
      ]
    } + [
      OpCase("sum") { graph, inputs in try graph.add(rows(&graph, inputs), rows(&graph, inputs, name: "x2")) },
      OpCase("sum of a value with itself") { graph, inputs in
        let x = try rows(&graph, inputs)
        return try graph.add(x, x)
      },
      OpCase("sum with a parameter") { graph, inputs in
        let x = try rows(&graph, inputs)
        return try graph.add(
          x, graph.parameter("offset", Fixture.rows, width, role: .embedding, initial: initial))
      },
    ]

  static let attention: [OpCase] = [
    OpCase("rotary embedding") { graph, inputs in
      let x = try rows(&graph, inputs)
      try graph.rope(x, table: rotaryTable(&graph, length: 3), RoPESpec(length: 3, heads: 1, headDimension: 4))
      return x
    },
    OpCase("attention, two sequences") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 24), AttentionSpec(length: 3, heads: 2, kvHeads: 2, headDimension: 4, scale: 0.5))
    },
    OpCase("grouped-query attention with rotary embedding") { graph, inputs in
      let qkv = try rows(&graph, inputs, 32)
      try graph.rope(qkv, table: rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 6, headDimension: 4))
      return try graph.attention(
        qkv, AttentionSpec(length: 6, heads: 4, kvHeads: 2, headDimension: 4, scale: 0.5))
    },
    OpCase("multi-query attention") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 18), AttentionSpec(length: 6, heads: 4, kvHeads: 1, headDimension: 3, scale: 0.6))
    },
    OpCase("rotary embedding of a part of each head") { graph, inputs in
      let x = try rows(&graph, inputs, 24)
      let table = try rotaryTable(&graph, length: 3, headDimension: 2)
      try graph.rope(x, table: table, RoPESpec(length: 3, heads: 3, headDimension: 2, headStride: 6))
      return x
    },
    OpCase("attention with a window") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 24),
        AttentionSpec(length: 6, heads: 2, kvHeads: 2, headDimension: 4, scale: 0.5, window: 2))
    },
    OpCase("attention with a soft cap and a window") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 16),
        AttentionSpec(length: 6, heads: 2, kvHeads: 1, headDimension: 4, scale: 1, window: 3, softcap: 0.7))
    },
    OpCase("attention with slopes") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 27), slopes: graph.constant("slopes", 1, 3, [0.5, 0.25, 1.5]),
        AttentionSpec(length: 6, heads: 3, kvHeads: 3, headDimension: 3, scale: 0.6))
    },
    OpCase("attention with documents") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 24), documentStarts: inputs.documentStarts,
        AttentionSpec(length: 6, heads: 2, kvHeads: 2, headDimension: 4, scale: 0.5))
    },
    OpCase("attention with documents, slopes, a soft cap and a window") { graph, inputs in
      try graph.attention(
        rows(&graph, inputs, 16), slopes: graph.constant("slopes", 1, 2, [0.5, 0.25]),
        documentStarts: inputs.documentStarts,
        AttentionSpec(length: 6, heads: 2, kvHeads: 1, headDimension: 4, scale: 1, window: 2, softcap: 0.7))
    },
    OpCase("head norm, rotary embedding and attention") { graph, inputs in
      let spec = HeadNormSpec(heads: 2, kvHeads: 1, headDimension: 4, headStride: 4, epsilon: 1e-6)
      let normed = try graph.headNorm(rows(&graph, inputs, 16), queryWeight: "qn", keyWeight: "kn", spec)
      try graph.rope(normed, table: rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 3, headDimension: 4))
      return try graph.attention(
        normed, AttentionSpec(length: 6, heads: 2, kvHeads: 1, headDimension: 4, scale: 0.5))
    },
    OpCase("head norm of padded heads, of a value used again") { graph, inputs in
      let x = try rows(&graph, inputs, 16)
      let spec = HeadNormSpec(heads: 2, kvHeads: 1, headDimension: 3, headStride: 4, epsilon: 1e-6)
      return try graph.add(x, graph.headNorm(x, queryWeight: "qn", keyWeight: "kn", spec))
    },
  ]

  static let embedding: [OpCase] = [
    OpCase("embedding with positions") { graph, inputs in
      try graph.embedding(
        inputs.tokens, table: graph.parameter("x", Fixture.vocabulary, width, role: .embedding, initial: initial),
        positions: graph.parameter("p", 4, width, role: .embedding, initial: initial), length: 3)
    },
    OpCase("scaled embedding with positions from the third row on") { graph, inputs in
      try graph.embedding(
        inputs.tokens, table: graph.parameter("x", Fixture.vocabulary, width, role: .embedding, initial: initial),
        scale: 1.5, positions: graph.parameter("p", 6, width, role: .embedding, initial: initial), firstPosition: 2,
        length: 3)
    },
    OpCase("embedding by activations, of tokens and of positions") { graph, inputs in
      let table = try graph.activation(rows(&graph, inputs), .silu)
      let positions = try graph.activation(rows(&graph, inputs, name: "x2"), .silu)
      return try graph.embedding(inputs.tokens, table: table, positions: positions, length: 3)
    },
    OpCase("rows of an activation, some of them repeated") { graph, inputs in
      try graph.gatherRows(graph.activation(rows(&graph, inputs), .silu), inputs.tokens)
    },
  ]

  static let losses: [OpCase] = [
    OpCase("tied head") { graph, inputs in
      // The harness asks for "head" again and gets this one.
      try rows(&graph, inputs, name: "head")
    },
    OpCase("loss in chunks of 4 and 2 rows, of a value used again") { graph, inputs in
      let x = try rows(&graph, inputs)
      let weight = try graph.parameter("w", Fixture.vocabulary, width, role: .linear, initial: initial)
      let losses = try graph.persistent("more losses", Fixture.rows, 1)
      let logits = try graph.workspace("logits", 4, Fixture.vocabulary, .float32)
      graph.emit(
        LinearCrossEntropyOp(
          x: x, weight: weight, bias: nil, targets: inputs.targets, losses: losses, logits: logits, accumulation: .set))
      return try graph.activation(x, .silu)
    },
    OpCase("loss of logits with a bias") { graph, inputs in
      let x = try rows(&graph, inputs)
      let weight = try graph.parameter("w", Fixture.vocabulary, width, role: .linear, initial: initial)
      let bias = try graph.parameter("b", 1, Fixture.vocabulary, role: .bias, initial: initial)
      let losses = try graph.persistent("more losses", Fixture.rows, 1)
      try graph.linearCrossEntropy(x, weight: weight, bias: bias, targets: inputs.targets, losses: losses)
      return x
    },
    OpCase("loss of capped logits") { graph, inputs in
      let x = try rows(&graph, inputs)
      let weight = try graph.parameter("w", Fixture.vocabulary, width, role: .linear, initial: initial)
      let losses = try graph.persistent("more losses", Fixture.rows, 1)
      try graph.linearCrossEntropy(x, weight: weight, targets: inputs.targets, losses: losses, softcap: 1.3)
      return x
    },
    OpCase("loss by a weight that is an activation") { graph, inputs in
      let x = try rows(&graph, inputs)
      let weight = try graph.activation(rows(&graph, inputs, name: "x2"), .silu)
      let losses = try graph.persistent("more losses", Fixture.rows, 1)
      try graph.linearCrossEntropy(x, weight: weight, targets: inputs.targets, losses: losses)
      return x
    },
  ]

  /// Values with several readers: each way a gradient is shared, added to or copied.
  static let shared: [OpCase] = [
    OpCase("activations of a shared value") { graph, inputs in
      let x = try rows(&graph, inputs)
      return try graph.add(graph.activation(x, .silu), graph.add(x, graph.activation(x, .geluTanh)))
    },
    OpCase("gated activations of a shared value") { graph, inputs in
      let x = try rows(&graph, inputs, 2 * width)
      return try graph.add(graph.gated(x, .silu), graph.gated(x, .geluErf))
    },
    OpCase("attention twice over the same rows") { graph, inputs in
      let qkv = try rows(&graph, inputs, 24)
      let wide = AttentionSpec(length: 6, heads: 2, kvHeads: 2, headDimension: 4, scale: 0.5)
      let narrow = AttentionSpec(length: 3, heads: 4, kvHeads: 4, headDimension: 2, scale: 0.7)
      return try graph.add(graph.attention(qkv, wide), graph.attention(qkv, narrow))
    },
    OpCase("rotary embedding of a value whose gradient is shared") { graph, inputs in
      let other = try graph.activation(rows(&graph, inputs, name: "x2"), .silu)
      let x = try rows(&graph, inputs)
      try graph.rope(x, table: rotaryTable(&graph, length: 6), RoPESpec(length: 6, heads: 2, headDimension: 4))
      return try graph.add(x, other)
    },
    OpCase("parallel residual", TestModel.parallelResidual(blocks: 2)),
    OpCase("GPT-2", TestModel.gpt2(blocks: 2)),
    OpCase("Llama", TestModel.llama(blocks: 2)),
  ]

  static func rotaryTable(_ graph: inout Graph, length: Int, headDimension: Int = 4) throws -> Value {
    let angles = (0..<length).flatMap { position in
      [cosine, sine].flatMap { function in
        (0..<headDimension / 2).map { function(Double(position) / Double(1 + 3 * $0)) }
      }
    }
    return try graph.constant("rotary", length, headDimension, angles)
  }
}
