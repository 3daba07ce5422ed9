import Tensors

extension KernelCase {
  static let attention: [KernelCase] = [DType.float32, .bfloat16].flatMap { dtype in
    shapes.flatMap { [forward($0, dtype), backward($0, dtype)] } + [forward(many, dtype), largeScores(dtype)]
      + continuations.map { cached($0, position: $1, dtype) }
  }

  /// Sequences, rows of each, query heads, key/value heads, head dimension; elements between rows. With gaps of 8, 4
  /// and odd numbers of elements, heads start at different alignments.
  private struct Shape: CustomStringConvertible {
    var sequences: Int, length: Int, heads: Int, kvHeads: Int, headDimension: Int, gap: Int

    init(_ sequences: Int, _ length: Int, _ heads: Int, _ kvHeads: Int, _ headDimension: Int, gap: Int) {
      self.sequences = sequences
      self.length = length
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDimension = headDimension
      self.gap = gap
    }

    var rows: Int { sequences * length }
    var width: Int { heads * headDimension }
    var kvWidth: Int { kvHeads * headDimension }
    var spec: AttentionSpec {
      AttentionSpec(
        length: length, heads: heads, kvHeads: kvHeads, headDimension: headDimension,
        scale: 1 / Float(headDimension).squareRoot())
    }
    var description: String {
      "\(sequences)·\(length) rows, \(heads) heads on \(kvHeads) of \(headDimension), gap \(gap)"
    }

    func qkv(_ bench: Bench, in range: ClosedRange<Float>) throws -> Tensor {
      try bench.random(rows, width + 2 * kvWidth, gap: gap, seed: 1, in: range)
    }
  }

  /// One row, around 16, 32, 64 and 128 rows, every width that kernels have tiles for and odd ones, grouped and single
  /// key/value heads.
  private static let shapes = [
    Shape(1, 1, 1, 1, 1, gap: 0), Shape(3, 1, 2, 2, 64, gap: 8), Shape(2, 5, 2, 1, 3, gap: 3),
    Shape(1, 16, 2, 2, 16, gap: 0), Shape(1, 17, 1, 1, 33, gap: 1), Shape(2, 31, 3, 3, 64, gap: 0),
    Shape(1, 63, 2, 1, 20, gap: 4), Shape(1, 64, 2, 2, 64, gap: 8), Shape(2, 65, 2, 1, 100, gap: 0),
    Shape(1, 129, 2, 1, 80, gap: 2), Shape(1, 70, 2, 2, 96, gap: 8), Shape(2, 66, 4, 2, 104, gap: 0),
    Shape(1, 130, 1, 1, 128, gap: 0), Shape(1, 65, 2, 1, 128, gap: 5), Shape(1, 50, 1, 1, 200, gap: 0),
    Shape(1, 70, 1, 1, 256, gap: 8),
  ]

  /// Enough heads to fill a large device with the largest tiles.
  private static let many = Shape(75, 66, 2, 1, 64, gap: 0)

  /// New rows and the position of the first: one row, a few, and enough for tiles of them.
  private static let continuations = [
    (Shape(3, 1, 2, 2, 64, gap: 0), 0), (Shape(3, 1, 6, 2, 100, gap: 4), 15), (Shape(1, 1, 8, 1, 128, gap: 0), 531),
    (Shape(2, 5, 2, 1, 3, gap: 3), 70), (Shape(2, 3, 4, 2, 80, gap: 8), 61), (Shape(2, 6, 4, 2, 20, gap: 1), 0),
    (Shape(1, 1, 2, 1, 256, gap: 0), 200), (Shape(1, 17, 1, 1, 33, gap: 0), 47), (Shape(2, 65, 2, 1, 100, gap: 4), 64),
    (Shape(1, 31, 3, 3, 64, gap: 8), 131),
  ]

  private static func forward(_ shape: Shape, _ dtype: DType) -> KernelCase {
    KernelCase("attention", "\(shape)", dtype, tolerance: dtype == .float32 ? 1e-5 : 1e-2) { bench in
      let qkv = try shape.qkv(bench, in: -3...3)
      let y = try bench.random(shape.rows, shape.width, gap: shape.gap, seed: 2)
      let logSumExp = try bench.random(shape.rows, shape.heads, gap: 1, seed: 3, dtype: .float32)
      bench.device.attention(y, logSumExp: logSumExp, qkv: qkv, shape.spec)
      return [try bench.result(y), try bench.result(logSumExp)]
    }
  }

  private static func backward(_ shape: Shape, _ dtype: DType) -> KernelCase {
    KernelCase("attentionBackward", "\(shape)", dtype, tolerance: dtype == .float32 ? 1e-5 : 2e-2) { bench in
      let qkv = try shape.qkv(bench, in: -2...2)
      let y = try bench.random(shape.rows, shape.width, gap: shape.gap, seed: 2)
      let logSumExp = try bench.random(shape.rows, shape.heads, gap: 1, seed: 3, dtype: .float32)
      let dy = try bench.random(shape.rows, shape.width, gap: shape.gap, seed: 4)
      let dqkv = try bench.random(shape.rows, qkv.columns, gap: shape.gap, seed: 5)
      bench.device.attention(y, logSumExp: logSumExp, qkv: qkv, shape.spec)
      bench.device.attentionBackward(dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, shape.spec)
      return [try bench.result(dqkv)]
    }
  }

  private static func largeScores(_ dtype: DType) -> KernelCase {
    let shape = Shape(1, 80, 1, 1, 64, gap: 0)
    return KernelCase("attention", "scores of hundreds", dtype, tolerance: dtype == .float32 ? 1e-4 : 1e-2) { bench in
      let qkv = try shape.qkv(bench, in: -20...20)
      let y = try bench.random(shape.rows, shape.width, seed: 2)
      let logSumExp = try bench.random(shape.rows, shape.heads, seed: 3, dtype: .float32)
      bench.device.attention(y, logSumExp: logSumExp, qkv: qkv, shape.spec)
      return [try bench.result(y), try bench.result(logSumExp)]
    }
  }

  private static func cached(_ shape: Shape, position: Int, _ dtype: DType) -> KernelCase {
    KernelCase(
      "attentionCached", "\(shape), position \(position)", dtype, tolerance: dtype == .float32 ? 1e-5 : 1e-2
    ) { bench in
      let capacity = position + shape.length + 2
      let qkv = try shape.qkv(bench, in: -3...3)
      let keys = try bench.random(shape.sequences * capacity, shape.kvWidth, gap: shape.gap, seed: 2, in: -3...3)
      let values = try bench.random(shape.sequences * capacity, shape.kvWidth, gap: shape.gap, seed: 3)
      let y = try bench.random(shape.rows, shape.width, gap: shape.gap, seed: 4)
      bench.device.scalars.pointee.position = Int32(position)
      bench.device.attentionCached(y, qkv: qkv, keys: keys, values: values, capacity: capacity, shape.spec)
      return [try bench.result(y), try bench.result(keys), try bench.result(values)]
    }
  }
}
