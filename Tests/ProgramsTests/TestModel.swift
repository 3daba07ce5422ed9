import Foundation
import Tensors

@testable import Programs

/// Transformers of a few hundred weights, in the three ways of writing a residual block.
enum TestModel {
  typealias Body = @Sendable (inout Graph, Fixture.Inputs) throws -> Value

  private static let width = OpCase.width
  private static let initial = Initial.normal(0.4)

  /// Pre-norm blocks with learned positions, layer norms fused with the residual addition, and biases.
  static func gpt2(blocks: Int, length: Int = Fixture.rows) -> Body {
    { graph, inputs in
      var x = try graph.embedding(
        inputs.tokens, table: graph.parameter("head", Fixture.vocabulary, width, role: .embedding, initial: initial),
        positions: graph.parameter("positions", length, width, role: .embedding, initial: initial), length: length)
      var delta: Value?
      for block in 0..<blocks {
        (x, delta) = try graph.region { graph throws in
          let name = "h\(block)."
          let first = try graph.norm(
            x, adding: delta, weight: name + "ln1", bias: name + "ln1b", OpCase.layerNorm)
          let qkv = try graph.linear(
            first.y, name + "qkv", out: 3 * width, layout: .inputOutput, bias: name + "qkvb", initial: initial)
          let attended = try graph.attention(
            qkv, AttentionSpec(length: length, heads: 2, kvHeads: 2, headDimension: width / 2, scale: 0.5))
          let projected = try graph.linear(
            attended, name + "o", out: width, layout: .inputOutput, bias: name + "ob", initial: initial)
          let second = try graph.norm(
            first.sum, adding: projected, weight: name + "ln2", bias: name + "ln2b", OpCase.layerNorm)
          let up = try graph.linear(
            second.y, name + "up", out: 2 * width, layout: .inputOutput, bias: name + "upb", initial: initial)
          let down = try graph.linear(
            graph.activation(up, .geluTanh), name + "down", out: width, layout: .inputOutput, bias: name + "downb",
            initial: initial)
          return (second.sum, down)
        }
      }
      return try graph.norm(x, adding: delta, weight: "ln", bias: "lnb", OpCase.layerNorm).y
    }
  }

  /// Pre-norm blocks with RMS norms, rotary positions, grouped-query attention and a gated feed-forward part.
  static func llama(blocks: Int, length: Int = Fixture.rows) -> Body {
    { graph, inputs in
      let rotary = try OpCase.rotaryTable(&graph, length: length)
      var x = try OpCase.rows(&graph, inputs)
      for block in 0..<blocks {
        x = try graph.region { graph throws in
          let name = "h\(block)."
          let first = try graph.norm(x, weight: name + "ln1", OpCase.rmsNorm)
          let qkv = try graph.linear(first.y, name + "qkv", out: 16, initial: initial)
          try graph.rope(qkv, table: rotary, RoPESpec(length: length, heads: 3, headDimension: 4))
          let attended = try graph.attention(
            qkv, AttentionSpec(length: length, heads: 2, kvHeads: 1, headDimension: 4, scale: 0.5))
          let projected = try graph.linear(attended, name + "o", out: width, initial: initial)
          let second = try graph.norm(x, adding: projected, weight: name + "ln2", OpCase.rmsNorm)
          let gated = try graph.gated(
            graph.linear(second.y, name + "up", out: 4 * width, initial: initial), .silu)
          return try graph.add(second.sum, graph.linear(gated, name + "down", out: width, initial: initial))
        }
      }
      return try graph.norm(x, weight: "ln", OpCase.rmsNorm).y
    }
  }

  /// GPT-NeoX: attention and feed-forward read the same input, and both are added to it. The gradient of the sum is
  /// shared by all three terms.
  static func parallelResidual(blocks: Int, length: Int = Fixture.rows) -> Body {
    { graph, inputs in
      var x = try OpCase.rows(&graph, inputs)
      for block in 0..<blocks {
        x = try graph.region { graph throws in
          let name = "h\(block)."
          let qkv = try graph.linear(
            graph.norm(x, weight: name + "ln1", OpCase.layerNorm).y, name + "qkv", out: 3 * width, initial: initial)
          let attended = try graph.attention(
            qkv, AttentionSpec(length: length, heads: 2, kvHeads: 2, headDimension: width / 2, scale: 0.5))
          let up = try graph.linear(
            graph.norm(x, weight: name + "ln2", OpCase.layerNorm).y, name + "up", out: width, initial: initial)
          return try graph.add(graph.add(x, attended), graph.activation(up, .geluErf))
        }
      }
      return x
    }
  }
}

func cosine(_ angle: Double) -> Float { Float(cos(angle)) }
func sine(_ angle: Double) -> Float { Float(sin(angle)) }
