import Tensors

extension KernelCase {
  static let pointwise =
    [DType.float32, .bfloat16].flatMap { dtype in
      [Activation.geluTanh, .geluErf, .silu, .relu].flatMap { activation($0, dtype) + gated($0, dtype) } + sums(dtype)
    } + conversions + [specialValues, integers]

  /// Part of a pack, part of a block, several blocks, short rows, long rows; rows with gaps that keep packs whole or
  /// not.
  private static let shapes: [(rows: Int, columns: Int, gap: Int)] = [
    (1, 1, 0), (1, 2011, 0), (3, 100, 3), (37, 104, 8), (5, 2056, 0), (300, 24, 1),
  ]

  private static func tolerance(_ dtype: DType) -> Double { dtype == .float32 ? 1e-6 : onePlace }

  private static func activation(_ kind: Activation, _ dtype: DType) -> [KernelCase] {
    shapes.flatMap { rows, columns, gap in
      [
        KernelCase(
          "activation", "\(kind) \(rows)×\(columns), gap \(gap)", dtype, tolerance: tolerance(dtype)
        ) { bench in
          let x = try bench.random(rows, columns, gap: gap, seed: 1, in: -6...6)
          let y = try bench.random(rows, columns, gap: gap, seed: 3)
          bench.device.activation(y, x, kind)
          return [try bench.result(y)]
        },
        KernelCase(
          "activationBackward", "\(kind) \(rows)×\(columns), gap \(gap)", dtype, tolerance: tolerance(dtype)
        ) { bench in
          let x = try bench.random(rows, columns, gap: gap, seed: 1, in: -6...6)
          let dy = try bench.random(rows, columns, gap: gap, seed: 2)
          let dx = try bench.random(rows, columns, gap: gap, seed: 4)
          bench.device.activationBackward(dx, dy: dy, x: x, kind)
          bench.device.activationBackward(dy, dy: dy, x: x, kind)
          return [try bench.result(dx), try bench.result(dy)]
        },
      ]
    }
  }

  private static func gated(_ kind: Activation, _ dtype: DType) -> [KernelCase] {
    shapes.flatMap { rows, columns, gap in
      [
        KernelCase("gated", "\(kind) \(rows)×\(columns), gap \(gap)", dtype, tolerance: tolerance(dtype)) { bench in
          let gateUp = try bench.random(rows, 2 * columns, gap: gap, seed: 1, in: -6...6)
          let y = try bench.random(rows, columns, gap: gap, seed: 3)
          bench.device.gated(y, gateUp: gateUp, kind)
          return [try bench.result(y)]
        },
        KernelCase(
          "gatedBackward", "\(kind) \(rows)×\(columns), gap \(gap)", dtype, tolerance: tolerance(dtype)
        ) { bench in
          let gateUp = try bench.random(rows, 2 * columns, gap: gap, seed: 1, in: -6...6)
          let dy = try bench.random(rows, columns, gap: gap, seed: 2)
          let dGateUp = try bench.random(rows, 2 * columns, gap: gap, seed: 4)
          bench.device.gatedBackward(dGateUp, dy: dy, gateUp: gateUp, kind)
          return [try bench.result(dGateUp)]
        },
      ]
    }
  }

  private static func sums(_ dtype: DType) -> [KernelCase] {
    shapes.flatMap { rows, columns, gap in
      [
        KernelCase("add", "\(rows)×\(columns), gap \(gap)", dtype, tolerance: tolerance(dtype)) { bench in
          let a = try bench.random(rows, columns, gap: gap, seed: 1)
          let b = try bench.random(rows, columns, gap: 2 * gap, seed: 2)
          let y = try bench.random(rows, columns, gap: gap, seed: 3)
          bench.device.add(y, a, b)
          bench.device.add(a, a, b)
          return [try bench.result(y), try bench.result(a)]
        },
        KernelCase("copy", "\(rows)×\(columns), gap \(gap)", dtype, tolerance: 0) { bench in
          let x = try bench.random(rows, columns, gap: gap, seed: 1)
          let y = try bench.random(rows, columns, gap: 2 * gap, seed: 2)
          bench.device.copy(y, x)
          return [try bench.result(y)]
        },
        KernelCase("fill", "\(rows)×\(columns), gap \(gap)", dtype, tolerance: 0) { bench in
          let y = try bench.random(rows, columns, gap: gap, seed: 1)
          bench.device.fill(y, 0.25)
          return [try bench.result(y)]
        },
      ]
    }
  }

  /// Rounding to nearest even leaves no choice.
  private static let conversions = shapes.flatMap { rows, columns, gap in
    [(DType.float32, DType.bfloat16), (.bfloat16, .float32)].map { from, to in
      KernelCase("copy", "\(rows)×\(columns), gap \(gap), \(from) to \(to)", .bfloat16, tolerance: 0) { bench in
        let x = try bench.random(rows, columns, gap: gap, seed: 1, dtype: from)
        let y = try bench.random(rows, columns, gap: 2 * gap, seed: 2, dtype: to)
        bench.device.copy(y, x)
        return [try bench.result(y)]
      }
    }
  }

  /// Ties, what overflows, what is subnormal, and what is no number.
  private static let specialValues = KernelCase(
    "copy", "special values, float32 to bfloat16", .bfloat16, tolerance: 0
  ) { bench in
    let values: [Float] = [
      0, 1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-20, 1 + 0x3p-8, -1 - 0x1p-8, .greatestFiniteMagnitude, 0x1.fep127, 0x1.fefp127,
      0x1.ffp127, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0x1p-134, 0x1.8p-133, 0x1p-126, -0x1.fffp-127,
      .infinity, -.infinity, .nan,
    ]
    let x = try bench.tensor(1, values.count, values, dtype: .float32)
    let y = try bench.random(1, values.count, seed: 1)
    bench.device.copy(y, x)
    return [try bench.result(y)]
  }

  private static let integers = KernelCase("copy", "1000 integers", .float32, tolerance: 0) { bench in
    let x = try bench.integers(randomIntegers(1000, seed: 1, in: -1_000_000..<1_000_000))
    let y = try bench.integers(randomIntegers(1000, seed: 2, in: 0..<10), gap: 3)
    bench.device.copy(y, x)
    return [try bench.result(y)]
  }
}
