import Tensors

extension KernelCase {
  static let rope: [KernelCase] = [DType.float32, .bfloat16].flatMap { dtype in
    heads.flatMap { head in rows.flatMap { [rope(head, $0, false, dtype), rope(head, $0, true, dtype)] } }
  }

  /// Halves of whole packs, of pairs, and odd ones; padded heads.
  private static let heads: [(dimension: Int, stride: Int)] = [
    (2, 2), (10, 10), (64, 64), (100, 100), (100, 104), (128, 128),
  ]
  private static let rows: [(sequences: Int, length: Int, heads: Int, position: Int, gap: Int)] = [
    (1, 1, 1, 0, 0), (2, 5, 3, 0, 3), (3, 17, 4, 6, 8),
  ]

  private static func rope(
    _ head: (dimension: Int, stride: Int),
    _ rows: (sequences: Int, length: Int, heads: Int, position: Int, gap: Int), _ inverse: Bool, _ dtype: DType
  ) -> KernelCase {
    KernelCase(
      "rope",
      "\(rows.sequences)·\(rows.length) rows, \(rows.heads) heads of \(head.dimension) in \(head.stride), "
        + "position \(rows.position), gap \(rows.gap)\(inverse ? ", inverse" : "")",
      dtype, tolerance: dtype == .float32 ? 1e-6 : onePlace
    ) { bench in
      let table = try bench.random(rows.length + rows.position, head.dimension, seed: 1, dtype: .float32)
      // One head more than is rotated: the values of a packed row.
      let x = try bench.random(rows.sequences * rows.length, (rows.heads + 1) * head.stride, gap: rows.gap, seed: 2)
      bench.device.scalars.pointee.position = Int32(rows.position)
      bench.device.rope(
        x, table: table,
        RoPESpec(length: rows.length, heads: rows.heads, headDimension: head.dimension, headStride: head.stride),
        inverse: inverse)
      return [try bench.result(x)]
    }
  }
}
