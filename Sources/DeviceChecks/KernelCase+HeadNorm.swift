import Tensors

extension KernelCase {
  static let headNorm: [KernelCase] = [DType.float32, .bfloat16].flatMap { dtype in
    heads.flatMap { dimension, stride in
      rows.flatMap { rows in
        let shape = Shape(rows: rows, dimension: dimension, stride: stride)
        return [forward(shape, dtype), backward(shape, dtype)]
      }
    }
  }

  /// Whole packs, odd ones, one element; padded heads, which then start at other alignments.
  private static let heads: [(dimension: Int, stride: Int)] = [
    (1, 1), (7, 7), (8, 8), (33, 33), (33, 40), (64, 64), (100, 104), (128, 128), (128, 136), (256, 256),
  ]

  private struct Rows {
    var count: Int, heads: Int, kvHeads: Int, gap: Int
    var gradients: [String]
  }

  /// One row, and fewer and more rows and heads than a block takes; gaps that keep packs whole or not; the weights that
  /// are given a gradient.
  private static let rows = [
    Rows(count: 1, heads: 1, kvHeads: 1, gap: 0, gradients: ["dQueryWeight", "dKeyWeight"]),
    Rows(count: 5, heads: 3, kvHeads: 1, gap: 3, gradients: ["dQueryWeight"]),
    Rows(count: 9, heads: 2, kvHeads: 1, gap: 1, gradients: []),
    Rows(count: 37, heads: 4, kvHeads: 2, gap: 8, gradients: ["dQueryWeight", "dKeyWeight"]),
    Rows(count: 150, heads: 2, kvHeads: 2, gap: 0, gradients: ["dKeyWeight"]),
  ]

  private struct Shape: CustomStringConvertible {
    var rows: Rows
    var dimension: Int
    var stride: Int

    /// Heads that are normalised.
    var heads: Int { rows.heads + rows.kvHeads }
    var spec: HeadNormSpec {
      HeadNormSpec(
        heads: rows.heads, kvHeads: rows.kvHeads, headDimension: dimension, headStride: stride, epsilon: 1e-5)
    }
    var description: String {
      "\(rows.count) rows, \(rows.heads) heads on \(rows.kvHeads) of \(dimension) in \(stride), gap \(rows.gap)"
    }

    /// Packed rows of queries, keys and values.
    func qkv(_ bench: Bench, seed: UInt64, in range: ClosedRange<Float> = -1...1) throws -> Tensor {
      try bench.random(rows.count, (heads + rows.kvHeads) * stride, gap: rows.gap, seed: seed, in: range)
    }

    func statistics(_ bench: Bench) throws -> Tensor {
      try bench.random(rows.count, heads, gap: 1, seed: 5, in: 0.3...0.9, dtype: .float32)
    }
  }

  private static func forward(_ shape: Shape, _ dtype: DType) -> KernelCase {
    KernelCase("headNorm", "\(shape)", dtype, tolerance: dtype == .float32 ? 2e-6 : onePlace) { bench in
      let x = try shape.qkv(bench, seed: 1, in: -2...3)
      let queryWeight = try bench.random(1, shape.dimension, seed: 2, in: 0.5...1.5)
      let keyWeight = try bench.random(1, shape.dimension, seed: 3)
      let y = try shape.qkv(bench, seed: 4)
      let statistics = try shape.statistics(bench)
      bench.device.headNorm(
        y, statistics: statistics, x: x, queryWeight: queryWeight, keyWeight: keyWeight, shape.spec)
      return [try bench.result(y), try bench.result(statistics)]
    }
  }

  private static func backward(_ shape: Shape, _ dtype: DType) -> KernelCase {
    let gradients = shape.rows.gradients
    return KernelCase(
      "headNormBackward", ([shape.description] + gradients).joined(separator: ", "), dtype,
      tolerance: dtype == .float32 ? 4e-6 : onePlace
    ) { bench in
      let x = try shape.qkv(bench, seed: 1, in: -2...3)
      let queryWeight = try bench.random(1, shape.dimension, seed: 2, in: 0.5...1.5)
      let keyWeight = try bench.random(1, shape.dimension, seed: 3)
      let dy = try shape.qkv(bench, seed: 6)
      let dx = try shape.qkv(bench, seed: 7)
      let dQueryWeight = try bench.random(1, shape.dimension, seed: 8, dtype: .float32)
      let dKeyWeight = try bench.random(1, shape.dimension, seed: 9, dtype: .float32)
      // Statistics need not be those of x for the rule to be the same on every device.
      bench.device.headNormBackward(
        dx: dx, dQueryWeight: gradients.contains("dQueryWeight") ? dQueryWeight : nil,
        dKeyWeight: gradients.contains("dKeyWeight") ? dKeyWeight : nil, dy: dy, x: x, queryWeight: queryWeight,
        keyWeight: keyWeight, statistics: try shape.statistics(bench), shape.spec)
      return [try bench.result(dx), try bench.result(dQueryWeight), try bench.result(dKeyWeight)]
    }
  }
}
