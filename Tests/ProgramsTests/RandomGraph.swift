import Tensors
import Testing

@testable import Programs

/// Computations made up at random, to meet combinations of operations that nobody thought of.
///
/// Values have any number of readers, or none; some operations lie in regions that may be recomputed.
struct RandomGraph: CustomTestStringConvertible, Sendable {
  let seed: UInt64
  var testDescription: String { "seed \(seed)" }

  private static let width = OpCase.width
  private static let length = Fixture.rows

  func body(_ graph: inout Graph, _ inputs: Fixture.Inputs) throws -> Value {
    var random = SplitMix64(seed: seed)
    var pool = [try OpCase.rows(&graph, inputs), try OpCase.rows(&graph, inputs, name: "x2")]
    for _ in 0..<random.next(below: 4) + 1 {
      let count = random.next(below: 6) + 1
      if random.next(below: 4) == 0 {
        try extend(&pool, &graph, by: count, inputs, &random)
      } else {
        try graph.region { graph throws in try extend(&pool, &graph, by: count, inputs, &random) }
      }
    }
    return try graph.norm(graph.add(pick(pool, &random), pool[pool.count - 1]), weight: "last", OpCase.layerNorm).y
  }

  private func extend(
    _ pool: inout [Value], _ graph: inout Graph, by count: Int, _ inputs: Fixture.Inputs, _ random: inout SplitMix64
  ) throws {
    for _ in 0..<count { pool += try makeValues(pool, &graph, inputs, &random) }
  }

  /// Mostly one of the latest values.
  private func pick(_ pool: [Value], _ random: inout SplitMix64) -> Value {
    let latest = random.next(below: 2) == 0 ? min(pool.count, 3) : pool.count
    return pool[pool.count - 1 - random.next(below: latest)]
  }

  private func makeValues(
    _ pool: [Value], _ graph: inout Graph, _ inputs: Fixture.Inputs, _ random: inout SplitMix64
  ) throws -> [Value] {
    let width = Self.width
    let x = pick(pool, &random)
    let number = graph.operationCount
    // A few names for many weights: some are shared.
    let name = "\(random.next(below: 8))"
    func linear(_ graph: inout Graph, _ out: Int, _ random: inout SplitMix64) throws -> Value {
      try graph.linear(
        x, "w\(out).\(name)", out: out,
        layout: out == width && random.next(below: 2) == 0 ? .inputOutput : .outputInput,
        bias: random.next(below: 2) == 0 ? "b\(out).\(name)" : nil, initial: .normal(1))
    }
    switch random.next(below: 10) {
    case 0, 1:
      return [try linear(&graph, width, &random)]
    case 2:
      let (y, sum) = try graph.norm(
        x, adding: pick(pool, &random), weight: "n\(name)", bias: "nb\(name)", OpCase.layerNorm)
      return [y, sum]
    case 3:
      return [try graph.norm(x, weight: "n\(name)", OpCase.rmsNorm).y]
    case 4:
      return [try graph.activation(x, random.next(below: 2) == 0 ? .silu : .geluTanh)]
    case 5:
      return [try graph.gated(linear(&graph, 2 * width, &random), .silu)]
    case 6:
      return [try graph.add(x, pick(pool, &random))]
    case 7:
      return [try graph.gatherRows(x, inputs.tokens)]
    case 8:
      let spec = HeadNormSpec(heads: 2, kvHeads: 1, headDimension: 2, headStride: 2, epsilon: 1e-6)
      return [try graph.headNorm(x, queryWeight: "qn\(name)", keyWeight: "kn\(name)", spec)]
    default:
      let qkv = try linear(&graph, 2 * width, &random)
      if random.next(below: 2) == 0 {
        let table = try OpCase.rotaryTable(&graph, length: Self.length)
        try graph.rope(qkv, table: table, RoPESpec(length: Self.length, heads: 3, headDimension: 4))
      }
      let spec = AttentionSpec(
        length: Self.length, heads: 2, kvHeads: 1, headDimension: 4, scale: 0.5,
        window: random.next(below: 2) == 0 ? 3 : nil)
      let y = try graph.attention(qkv, spec)
      return number % 3 == 0 ? [y, try graph.attention(qkv, spec)] : [y]
    }
  }
}
