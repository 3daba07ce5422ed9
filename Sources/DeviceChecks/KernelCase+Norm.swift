import Tensors

extension KernelCase {
  static let norm = [DType.float32, .bfloat16].flatMap { dtype in
    [NormSpec.Kind.layer, .rms].flatMap { forward($0, dtype) + backward($0, dtype) }
  }

  /// Odd widths, whole packs, each number of packs a thread has, rows wider than a block holds; few and many rows.
  private static let shapes: [(rows: Int, columns: Int, gap: Int)] = [
    (1, 1, 0), (3, 7, 3), (16, 64, 8), (17, 100, 0), (70, 257, 1), (40, 768, 0), (600, 64, 0), (5, 3200, 8),
    (3, 8192, 0), (2, 16384, 0),
  ]

  private static func forward(_ kind: NormSpec.Kind, _ dtype: DType) -> [KernelCase] {
    shapes.flatMap { rows, columns, gap in
      [
        (false, true, Float(0)), (true, false, 0), (true, true, 0), (false, false, 1), (true, true, 1),
      ].map { residual, biased, offset in
        KernelCase(
          "norm",
          "\(kind) \(rows)×\(columns), gap \(gap)\(residual ? ", residual" : "")\(biased ? ", bias" : "")"
            + "\(offset == 0 ? "" : ", offset \(offset)")",
          dtype, tolerance: dtype == .float32 ? 3e-6 : onePlace
        ) { bench in
          let x = try bench.random(rows, columns, gap: gap, seed: 1, in: -2...3)
          let delta = try bench.random(rows, columns, gap: gap, seed: 2)
          let weight = try bench.random(1, columns, seed: 3)
          let bias = try bench.random(1, columns, seed: 4)
          let y = try bench.random(rows, columns, gap: gap, seed: 5)
          let sum = try bench.random(rows, columns, gap: gap, seed: 6)
          let statistics = try bench.random(rows, 2, gap: 1, seed: 7, dtype: .float32)
          bench.device.norm(
            y, statistics: statistics, sum: residual ? sum : nil, x: x, delta: residual ? delta : nil, weight: weight,
            bias: biased ? bias : nil, NormSpec(kind: kind, epsilon: 1e-5, weightOffset: offset))
          return [try bench.result(y), try bench.result(sum), try bench.result(statistics)]
        }
      }
    }
  }

  private static func backward(_ kind: NormSpec.Kind, _ dtype: DType) -> [KernelCase] {
    shapes.flatMap { rows, columns, gap in
      [
        (Accumulation.set, true, true, Float(0)), (.add, true, false, 0), (.add, false, true, 0),
        (.set, false, false, 0), (.add, true, true, 1),
      ].map { accumulate, hasWeight, hasBias, offset in
        KernelCase(
          "normBackward",
          "\(kind) \(rows)×\(columns), gap \(gap), \(accumulate)\(hasWeight ? ", dWeight" : "")"
            + "\(hasBias ? ", dBias" : "")\(offset == 0 ? "" : ", offset \(offset)")",
          dtype, tolerance: dtype == .float32 ? 4e-6 : onePlace
        ) { bench in
          let x = try bench.random(rows, columns, gap: gap, seed: 1, in: -2...3)
          let weight = try bench.random(1, columns, seed: 3)
          let dy = try bench.random(rows, columns, gap: gap, seed: 8)
          let dx = try bench.random(rows, columns, gap: gap, seed: 9)
          let dWeight = try bench.random(1, columns, seed: 10, dtype: .float32)
          let dBias = try bench.random(1, columns, seed: 11, dtype: .float32)
          // Statistics need not be those of x for the rule to be the same on every device.
          let mean: ClosedRange<Float> = kind == .rms ? 0...0 : 0.3...0.9
          let numbers = zip(
            randomFloats(rows, seed: 12, in: mean), randomFloats(rows, seed: 13, in: 0.3...0.9)
          ).flatMap { [$0, $1] }
          let statistics = try bench.tensor(rows, 2, gap: 1, numbers, dtype: .float32)
          bench.device.normBackward(
            dx: dx, dWeight: hasWeight ? dWeight : nil, dBias: hasBias ? dBias : nil, dy: dy, x: x, weight: weight,
            statistics: statistics, NormSpec(kind: kind, epsilon: 1e-5, weightOffset: offset), accumulate)
          return [try bench.result(dx), try bench.result(dWeight), try bench.result(dBias)]
        }
      }
    }
  }
}
