import Tensors

extension KernelCase {
  static let attention: [KernelCase] = [DType.float32, .bfloat16].flatMap { dtype -> [KernelCase] in
    var cases = (shapes + variants + packed).flatMap { [forward($0, dtype), backward($0, dtype)] }
    cases += [many, manyPacked].map { forward($0, dtype) }
    cases += [largeScores(softcap: nil, dtype), largeScores(softcap: 30, dtype)]
    return cases + continuations.map { cached($0, position: $1, dtype) }
  }

  /// Sequences, rows of each, query heads, key/value heads, head dimension; elements between rows. With gaps of 8, 4
  /// and odd numbers of elements, heads start at different alignments.
  private struct Shape: CustomStringConvertible {
    var sequences: Int, length: Int, heads: Int, kvHeads: Int, headDimension: Int, gap: Int
    var window: Int?
    var softcap: Float?
    var hasSlopes: Bool
    var documents: Documents?

    /// How sequences are packed.
    enum Documents {
      /// Documents begin at these positions of the first sequence, and at 0; in each further sequence 7 later.
      case at([Int])
      /// Starts are far too small in the first half of a sequence, far too large in the second.
      case outOfRange
    }

    init(
      _ sequences: Int, _ length: Int, _ heads: Int, _ kvHeads: Int, _ headDimension: Int, gap: Int,
      window: Int? = nil, softcap: Float? = nil, slopes: Bool = false, documents: Documents? = nil
    ) {
      self.sequences = sequences
      self.length = length
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDimension = headDimension
      self.gap = gap
      self.window = window
      self.softcap = softcap
      hasSlopes = slopes
      self.documents = documents
    }

    var rows: Int { sequences * length }
    var width: Int { heads * headDimension }
    var kvWidth: Int { kvHeads * headDimension }
    var spec: AttentionSpec {
      AttentionSpec(
        length: length, heads: heads, kvHeads: kvHeads, headDimension: headDimension,
        scale: 1 / Float(headDimension).squareRoot(), window: window, softcap: softcap)
    }
    var description: String {
      "\(sequences)·\(length) rows, \(heads) heads on \(kvHeads) of \(headDimension), gap \(gap)"
        + (window.map { ", window \($0)" } ?? "") + (softcap.map { ", softcap \($0)" } ?? "")
        + (hasSlopes ? ", slopes" : "") + (documents.map { ", documents \($0)" } ?? "")
    }

    func qkv(_ bench: Bench, in range: ClosedRange<Float>) throws -> Tensor {
      try bench.random(rows, width + 2 * kvWidth, gap: gap, seed: 1, in: range)
    }

    func slopes(_ bench: Bench) throws -> Tensor? {
      hasSlopes ? try bench.random(1, heads, seed: 6, in: 0.004...0.5, dtype: .float32) : nil
    }

    func documentStarts(_ bench: Bench) throws -> Tensor? {
      guard let documents else { return nil }
      let starts = (0..<rows).map { row -> Int32 in
        let position = row % length
        switch documents {
        case .at(let begins):
          return Int32(begins.map { $0 + 7 * (row / length) }.last { $0 <= position } ?? 0)
        case .outOfRange: return position < length / 2 ? .min : .max
        }
      }
      return try bench.integers(starts, gap: gap)
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

  /// Windows of one key, within a tile, at and across the borders of tiles, as long as the sequence and longer; caps
  /// that bend most scores, and one that hardly bends any; slopes; and all of these together.
  private static let variants = [
    Shape(2, 40, 2, 2, 64, gap: 0, window: 1), Shape(1, 150, 2, 1, 20, gap: 4, window: 5),
    Shape(1, 200, 2, 2, 64, gap: 8, window: 16), Shape(2, 130, 2, 1, 33, gap: 1, window: 17),
    Shape(1, 257, 2, 2, 64, gap: 0, window: 64), Shape(1, 257, 2, 1, 100, gap: 0, window: 65),
    Shape(1, 300, 1, 1, 128, gap: 0, window: 127), Shape(1, 290, 1, 1, 80, gap: 2, window: 193),
    Shape(1, 100, 2, 2, 16, gap: 0, window: 99), Shape(1, 100, 2, 2, 16, gap: 0, window: 100),
    Shape(2, 70, 2, 1, 96, gap: 8, window: 1000), Shape(1, 140, 1, 1, 256, gap: 8, window: 50),
    Shape(1, 1, 2, 1, 64, gap: 0, window: 4, softcap: 2, slopes: true),
    Shape(2, 65, 2, 1, 100, gap: 0, softcap: 2), Shape(1, 130, 4, 2, 128, gap: 5, softcap: 50),
    Shape(1, 50, 2, 1, 256, gap: 0, softcap: 3), Shape(1, 257, 2, 1, 64, gap: 8, window: 70, softcap: 2),
    Shape(2, 130, 3, 3, 64, gap: 0, slopes: true), Shape(1, 129, 6, 2, 33, gap: 3, slopes: true),
    Shape(1, 70, 12, 4, 16, gap: 0, slopes: true), Shape(1, 90, 1, 1, 200, gap: 0, slopes: true),
    Shape(1, 150, 3, 1, 80, gap: 4, softcap: 2, slopes: true),
    Shape(1, 200, 3, 3, 64, gap: 8, window: 33, slopes: true),
    Shape(2, 150, 6, 2, 40, gap: 1, window: 80, softcap: 2, slopes: true),
  ]

  /// Documents that begin within tiles and at their borders, of a token, of many tiles, each token one; in every width,
  /// and with all that variants have.
  private static let packed = [
    Shape(1, 1, 2, 1, 64, gap: 0, documents: .at([])), Shape(2, 65, 2, 1, 100, gap: 0, documents: .at([1, 17, 64])),
    Shape(1, 257, 2, 2, 64, gap: 8, documents: .at([64, 128, 200])),
    Shape(1, 300, 2, 1, 64, gap: 0, documents: .at([3, 5, 290])),
    Shape(1, 150, 1, 1, 33, gap: 1, documents: .at([Int](1..<150))),
    Shape(1, 290, 1, 1, 128, gap: 0, documents: .at([129, 193])),
    Shape(1, 140, 1, 1, 256, gap: 8, documents: .at([70, 100])),
    Shape(2, 130, 2, 1, 80, gap: 2, documents: .at([31, 63])), Shape(1, 70, 2, 2, 96, gap: 8, documents: .at([69])),
    Shape(2, 66, 4, 2, 104, gap: 0, documents: .at([30])), Shape(1, 70, 12, 4, 16, gap: 0, documents: .at([33, 60])),
    Shape(1, 90, 1, 1, 200, gap: 0, documents: .at([50])), Shape(2, 150, 2, 1, 64, gap: 3, documents: .outOfRange),
    Shape(1, 257, 2, 1, 100, gap: 0, window: 40, documents: .at([50, 130])),
    Shape(1, 300, 2, 2, 64, gap: 0, window: 128, documents: .at([20, 210])),
    Shape(1, 150, 3, 1, 80, gap: 4, softcap: 2, documents: .at([77])),
    Shape(2, 130, 3, 3, 64, gap: 0, slopes: true, documents: .at([40, 90])),
    Shape(2, 150, 6, 2, 40, gap: 1, window: 80, softcap: 2, slopes: true, documents: .at([20, 100])),
  ]

  /// Enough heads to fill a large device with the largest tiles.
  private static let many = Shape(75, 66, 2, 1, 64, gap: 0)
  private static let manyPacked = Shape(38, 130, 2, 1, 64, gap: 0, documents: .at([60, 100]))

  /// New rows and the position of the first: one row, a few, and enough for tiles of them; before, at and far beyond
  /// the end of a window.
  private static let continuations = [
    (Shape(3, 1, 2, 2, 64, gap: 0), 0), (Shape(3, 1, 6, 2, 100, gap: 4), 15), (Shape(1, 1, 8, 1, 128, gap: 0), 531),
    (Shape(2, 5, 2, 1, 3, gap: 3), 70), (Shape(2, 3, 4, 2, 80, gap: 8), 61), (Shape(2, 6, 4, 2, 20, gap: 1), 0),
    (Shape(1, 1, 2, 1, 256, gap: 0), 200), (Shape(1, 17, 1, 1, 33, gap: 0), 47), (Shape(2, 65, 2, 1, 100, gap: 4), 64),
    (Shape(1, 31, 3, 3, 64, gap: 8), 131), (Shape(2, 1, 4, 2, 64, gap: 0, window: 1), 100),
    (Shape(2, 1, 8, 2, 100, gap: 4, window: 20), 10), (Shape(2, 1, 2, 2, 33, gap: 3, window: 20), 20),
    (Shape(1, 1, 8, 1, 128, gap: 0, window: 150), 531), (Shape(2, 3, 4, 2, 80, gap: 8, window: 2), 61),
    (Shape(1, 6, 2, 1, 64, gap: 0, window: 65), 200), (Shape(2, 17, 2, 1, 33, gap: 0, window: 5), 47),
    (Shape(1, 130, 2, 1, 100, gap: 4, window: 64), 300), (Shape(1, 70, 2, 2, 64, gap: 0, window: 130), 127),
    (Shape(1, 40, 2, 1, 64, gap: 8, window: 1000), 90), (Shape(2, 1, 4, 2, 64, gap: 0, softcap: 2), 131),
    (Shape(1, 40, 4, 2, 80, gap: 0, softcap: 2), 70), (Shape(2, 1, 3, 1, 64, gap: 0, slopes: true), 131),
    (Shape(1, 5, 6, 2, 33, gap: 3, slopes: true), 300), (Shape(1, 70, 3, 3, 64, gap: 8, slopes: true), 60),
    (Shape(2, 1, 6, 2, 40, gap: 1, window: 80, softcap: 2, slopes: true), 257),
    (Shape(1, 90, 3, 1, 40, gap: 1, window: 50, softcap: 2, slopes: true), 33),
  ]

  private static func forward(_ shape: Shape, _ dtype: DType) -> KernelCase {
    KernelCase("attention", "\(shape)", dtype, tolerance: dtype == .float32 ? 1e-5 : 1e-2) { bench in
      let qkv = try shape.qkv(bench, in: -3...3)
      let y = try bench.random(shape.rows, shape.width, gap: shape.gap, seed: 2)
      let logSumExp = try bench.random(shape.rows, shape.heads, gap: 1, seed: 3, dtype: .float32)
      bench.device.attention(
        y, logSumExp: logSumExp, qkv: qkv, slopes: try shape.slopes(bench),
        documentStarts: try shape.documentStarts(bench), shape.spec)
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
      let slopes = try shape.slopes(bench)
      let starts = try shape.documentStarts(bench)
      bench.device.attention(
        y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: starts, shape.spec)
      bench.device.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: starts, shape.spec)
      return [try bench.result(dqkv)]
    }
  }

  private static func largeScores(softcap: Float?, _ dtype: DType) -> KernelCase {
    let shape = Shape(1, 80, 1, 1, 64, gap: 0, softcap: softcap)
    return KernelCase(
      "attention", "scores of hundreds, \(shape)", dtype, tolerance: dtype == .float32 ? 1e-4 : 1e-2
    ) { bench in
      let qkv = try shape.qkv(bench, in: -20...20)
      let y = try bench.random(shape.rows, shape.width, seed: 2)
      let logSumExp = try bench.random(shape.rows, shape.heads, seed: 3, dtype: .float32)
      bench.device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
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
      bench.device.attentionCached(
        y, qkv: qkv, keys: keys, values: values, slopes: try shape.slopes(bench), capacity: capacity, shape.spec)
      return [try bench.result(y), try bench.result(keys), try bench.result(values)]
    }
  }
}
