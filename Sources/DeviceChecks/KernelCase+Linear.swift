import Tensors

extension KernelCase {
  static let linear =
    [DType.float32, .bfloat16].flatMap { matmul($0) + biasGradient($0) } + weightGradient
    + [DType.bfloat16, .float16].flatMap(storedWeights)

  /// One row, a few, edges of tiles, more than one tile of each dimension.
  private static let products: [(m: Int, n: Int, k: Int)] = [
    (1, 1, 1), (1, 300, 50), (5, 49, 67), (16, 64, 32), (33, 50, 195), (131, 24, 72), (64, 136, 128),
  ]

  private static func matmul(_ dtype: DType) -> [KernelCase] {
    let variants: [(transposeA: Bool, transposeB: Bool, accumulate: Accumulation, biased: Bool, gap: Int)] = [
      (false, true, .set, false, 0), (false, true, .set, true, 8), (false, false, .add, false, 3),
      (true, false, .add, false, 8), (true, true, .set, true, 5),
    ]
    return products.flatMap { shape in
      variants.map { variant in
        let (m, n, k) = shape
        let (transposeA, transposeB, accumulate, biased, gap) = variant
        return KernelCase(
          "matmul",
          "\(transposeA ? "aᵀ" : "a")·\(transposeB ? "bᵀ" : "b") \(m)×\(n)×\(k), \(accumulate)"
            + "\(biased ? ", bias" : ""), gap \(gap)",
          dtype, tolerance: dtype == .float32 ? 2e-6 : onePlace
        ) { bench in
          let a = try bench.random(transposeA ? k : m, transposeA ? m : k, gap: gap, seed: 1)
          let b = try bench.random(transposeB ? n : k, transposeB ? k : n, gap: gap, seed: 2)
          let bias = try bench.random(1, n, seed: 3)
          let c = try bench.random(m, n, gap: gap, seed: 4)
          bench.device.matmul(
            c, a, b, transposeA: transposeA, transposeB: transposeB, accumulate: accumulate, bias: biased ? bias : nil)
          return [try bench.result(c)]
        }
      }
    }
  }

  /// bfloat16 activations and their gradients make a float32 gradient of a weight.
  private static let weightGradient = products.map { m, n, k in
    KernelCase("matmul", "aᵀ·b \(m)×\(n)×\(k) into float32, add", .bfloat16, tolerance: 2e-6) { bench in
      let a = try bench.random(k, m, seed: 1)
      let b = try bench.random(k, n, seed: 2)
      let c = try bench.random(m, n, seed: 3, dtype: .float32)
      bench.device.matmul(c, a, b, transposeA: true, transposeB: false, accumulate: .add, bias: nil)
      return [try bench.result(c)]
    }
  }

  /// float32 rows by weights that are stored in two bytes each.
  private static func storedWeights(_ type: DType) -> [KernelCase] {
    products.flatMap { m, n, k in
      [(true, Accumulation.set, false, 0), (true, .set, true, 5), (false, .set, false, 8), (false, .add, true, 3)].map {
        transposeB, accumulate, biased, gap in
        KernelCase(
          "matmul",
          "a·\(transposeB ? "bᵀ" : "b") \(m)×\(n)×\(k), \(accumulate)\(biased ? ", bias" : ""), gap \(gap)", .float32,
          weights: type, tolerance: 2e-6
        ) { bench in
          let a = try bench.random(m, k, gap: gap, seed: 1)
          let b = try bench.random(transposeB ? n : k, transposeB ? k : n, gap: gap, seed: 2, dtype: type)
          let bias = try bench.random(1, n, seed: 3)
          let c = try bench.random(m, n, gap: gap, seed: 4)
          bench.device.matmul(
            c, a, b, transposeA: false, transposeB: transposeB, accumulate: accumulate, bias: biased ? bias : nil)
          return [try bench.result(c)]
        }
      }
    }
  }

  private static func biasGradient(_ dtype: DType) -> [KernelCase] {
    [(1, 1, 0), (1, 300, 0), (63, 17, 3), (64, 256, 8), (1000, 104, 0), (130, 1031, 1)].map { rows, columns, gap in
      KernelCase("biasGradient", "\(rows)×\(columns), gap \(gap)", dtype, tolerance: 2e-6) { bench in
        let dy = try bench.random(rows, columns, gap: gap, seed: 1)
        let dBias = try bench.random(1, columns, seed: 2, dtype: .float32)
        bench.device.biasGradient(dBias, dy)
        return [try bench.result(dBias)]
      }
    }
  }
}
