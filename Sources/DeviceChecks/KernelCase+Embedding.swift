import Tensors

extension KernelCase {
  static let embedding =
    [DType.float32, .bfloat16].flatMap { gatherRows($0) + gatherRowsBackward($0) } + [manyRows]
    + [DType.bfloat16, .float16].flatMap { gatherRows(.float32, weights: $0) }

  private static func gatherRows(_ dtype: DType, weights: DType? = nil) -> [KernelCase] {
    let shapes = [(1, 1, 1, 0), (6, 100, 11, 3), (48, 257, 31, 2), (96, 768, 50, 0), (7, 64, 9, 8)]
    return shapes.flatMap { rows, columns, vocabulary, gap in
      [(false, Float(1)), (true, 1), (false, 27.71), (true, 0.3)].map { positioned, scale in
        KernelCase(
          "gatherRows",
          "\(rows)×\(columns) of \(vocabulary), gap \(gap)\(positioned ? ", positions" : "")\(scaled(scale))", dtype,
          weights: weights, tolerance: dtype == .float32 ? 1e-7 : onePlace
        ) { bench in
          let table = try bench.random(vocabulary, columns, gap: gap, seed: 1, dtype: weights)
          let positions = try bench.random(rows + 4, columns, gap: gap, seed: 2, dtype: weights)
          let indices = try bench.integers(randomIntegers(rows, seed: 3, in: 0..<Int32(vocabulary)))
          let y = try bench.random(rows, columns, gap: gap, seed: 4)
          bench.device.scalars.pointee.position = 4
          bench.device.gatherRows(
            y, indices: indices, table: table, positions: positioned ? positions : nil, length: max(rows / 3, 1),
            scale: scale)
          return [try bench.result(y)]
        }
      }
    }
  }

  private static func scaled(_ scale: Float) -> String { scale == 1 ? "" : ", scale \(scale)" }

  private static func gatherRowsBackward(_ dtype: DType) -> [KernelCase] {
    // One index for all rows, more rows than are compared or added at once, every index different.
    let shapes = [
      (1, 1, 1, 0), (6, 100, 3, 3), (48, 257, 31, 1), (100, 136, 1, 0), (700, 20, 5, 4), (300, 64, 2000, 0),
    ]
    return shapes.flatMap { rows, columns, vocabulary, gap in
      [
        (true, true, Float(1)), (true, false, 1), (false, true, 1), (true, true, 11.3),
      ].map { hasTable, hasPositions, scale in
        KernelCase(
          "gatherRowsBackward",
          "\(rows)×\(columns) of \(vocabulary), gap \(gap)\(hasTable ? ", table" : "")"
            + "\(hasPositions ? ", positions" : "")\(scaled(scale))",
          dtype, tolerance: 2e-6
        ) { bench in
          let length = max(rows / 3, 1)
          let dTable = try bench.random(vocabulary, columns, gap: gap, seed: 1, dtype: .float32)
          let dPositions = try bench.random(length, columns, gap: gap, seed: 2, dtype: .float32)
          let indices = try bench.integers(randomIntegers(rows, seed: 3, in: 0..<Int32(vocabulary)))
          let dy = try bench.random(rows, columns, gap: gap, seed: 4)
          bench.device.gatherRowsBackward(
            dTable: hasTable ? dTable : nil, dPositions: hasPositions ? dPositions : nil, dy: dy, indices: indices,
            length: length, scale: scale)
          return [try bench.result(dTable), try bench.result(dPositions)]
        }
      }
    }
  }

  /// More rows than are sorted at once.
  private static let manyRows = KernelCase(
    "gatherRowsBackward", "33000×4 of 50, table", .float32, tolerance: 5e-6
  ) { bench in
    let dTable = try bench.random(50, 4, seed: 1)
    let indices = try bench.integers(randomIntegers(33_000, seed: 3, in: 0..<50))
    bench.device.gatherRowsBackward(
      dTable: dTable, dPositions: nil, dy: try bench.random(33_000, 4, seed: 4), indices: indices, length: 33_000,
      scale: 1)
    return [try bench.result(dTable)]
  }
}
