import ReferenceBackend
import Tensors

extension KernelCase {
  static let attentionTree: [KernelCase] = [DType.float32, .bfloat16].flatMap { dtype in
    packings.map { tree($0, dtype) }
  }

  /// A text that others continue, in rows: what it continues of the prefix, itself, and each of the others.
  private struct Tree {
    var prefix = 0
    var trunk: Int
    var branches: [Int] = []

    /// What each row sees, the first being row `start` of all.
    func spans(from start: Int) -> [Int32] {
      var row = start + trunk
      let trunkSpan = [prefix, 0, 0, start]
      var spans = [[Int]](repeating: trunkSpan, count: trunk)
      for branch in branches {
        spans += [[Int]](repeating: [prefix, start, start + trunk, row], count: branch)
        row += branch
      }
      return spans.flatMap { $0.map(Int32.init) }
    }
  }

  /// Rows packed of trees; query heads, key/value heads, head dimension; rows of the prefix; elements between rows.
  private struct Packing: CustomStringConvertible {
    var name: String
    var spans: [Int32]
    var heads: Int, kvHeads: Int, headDimension: Int
    var prefix: Int
    var gap: Int
    var window: Int?
    var softcap: Float?
    var hasSlopes: Bool

    init(
      _ name: String, _ heads: Int, _ kvHeads: Int, _ headDimension: Int, prefix: Int = 0, gap: Int = 0,
      window: Int? = nil, softcap: Float? = nil, slopes: Bool = false, spans: [Int32]
    ) {
      self.name = name
      self.spans = spans
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDimension = headDimension
      self.prefix = prefix
      self.gap = gap
      self.window = window
      self.softcap = softcap
      hasSlopes = slopes
    }

    init(
      _ name: String, _ heads: Int, _ kvHeads: Int, _ headDimension: Int, prefix: Int = 0, gap: Int = 0,
      window: Int? = nil, softcap: Float? = nil, slopes: Bool = false, _ trees: [Tree]
    ) {
      self.init(
        name, heads, kvHeads, headDimension, prefix: prefix, gap: gap, window: window, softcap: softcap, slopes: slopes,
        spans: trees.reduce(into: []) { $0 += $1.spans(from: $0.count / 4) })
    }

    var rows: Int { spans.count / 4 }
    var spec: AttentionSpec {
      AttentionSpec(
        length: 0, heads: heads, kvHeads: kvHeads, headDimension: headDimension,
        scale: 1 / Float(headDimension).squareRoot(), window: window, softcap: softcap)
    }
    var description: String {
      "\(name), \(rows) rows, \(heads) heads on \(kvHeads) of \(headDimension), gap \(gap)"
        + (prefix > 0 ? ", prefix \(prefix)" : "") + (window.map { ", window \($0)" } ?? "")
        + (softcap.map { ", softcap \($0)" } ?? "") + (hasSlopes ? ", slopes" : "")
    }
  }

  /// Branches of one row, of a few, within tiles and longer; trunks that are seen from afar and by many; with a prefix and
  /// without; all that variants have; every width that kernels have tiles for and odd ones.
  private static let packings = [
    Packing("one row", 1, 1, 1, [Tree(trunk: 1)]),
    Packing("texts", 2, 1, 64, [5, 1, 70, 64, 33].map { Tree(trunk: $0) }),
    Packing("a long text", 2, 2, 64, gap: 8, [Tree(trunk: 1), Tree(trunk: 270)]),
    Packing(
      "single rows", 4, 2, 20, gap: 4, [Tree(trunk: 40, branches: [1, 1, 1, 1]), Tree(trunk: 1, branches: [1])]),
    Packing(
      "few rows after many", 2, 1, 100, [Tree(trunk: 200, branches: [3, 3, 2, 3]), Tree(trunk: 9, branches: [3])]),
    Packing("choices", 2, 2, 64, [Tree(trunk: 70, branches: [25, 24, 30, 25]), Tree(trunk: 33, branches: [70, 2])]),
    Packing("a prefix", 3, 1, 33, prefix: 77, gap: 3, [61, 1, 3, 100].map { Tree(prefix: 77, trunk: $0) }),
    Packing(
      "parts of a prefix", 4, 2, 80, prefix: 150, gap: 2,
      [
        Tree(prefix: 150, trunk: 20, branches: [7, 9]), Tree(prefix: 64, trunk: 3, branches: [2, 2, 30]),
        Tree(trunk: 12, branches: [1, 20]), Tree(prefix: 1, trunk: 40),
      ]),
    Packing("a prefix that nobody sees", 1, 1, 96, prefix: 5, [Tree(trunk: 20, branches: [7])]),
    Packing("choices", 1, 1, 128, prefix: 130, [Tree(prefix: 130, trunk: 30, branches: [20, 20])]),
    Packing("choices", 1, 1, 256, gap: 8, prefixed(by: 90)),
    Packing("windows", 2, 1, 64, prefix: 90, window: 1, prefixed(by: 90)),
    Packing("windows", 2, 1, 40, prefix: 90, gap: 1, window: 20, prefixed(by: 90)),
    Packing("windows", 1, 1, 104, prefix: 90, window: 75, prefixed(by: 90)),
    Packing("windows", 2, 2, 16, prefix: 90, window: 500, prefixed(by: 90)),
    Packing("a cap", 2, 1, 100, prefix: 90, softcap: 2, prefixed(by: 90)),
    Packing("slopes", 6, 2, 33, prefix: 90, gap: 3, slopes: true, prefixed(by: 90)),
    Packing("all", 3, 1, 64, prefix: 90, window: 60, softcap: 2, slopes: true, prefixed(by: 90)),
    Packing("all", 2, 1, 200, window: 30, softcap: 3, slopes: true, [Tree(trunk: 50, branches: [10, 1, 20])]),
    Packing("anything", 2, 1, 64, prefix: 60, spans: anything(rows: 150, within: 0..<150, changes: 1)),
    Packing(
      "anything", 2, 1, 40, prefix: 60, window: 45, slopes: true,
      spans: anything(rows: 150, within: 0..<150, changes: 30)),
    Packing("out of range", 2, 1, 64, prefix: 60, gap: 3, spans: anything(rows: 100, within: -40..<170, changes: 5)),
    Packing("far out of range", 1, 1, 20, prefix: 3, slopes: true, spans: (0..<160).map { $0 % 3 == 0 ? .min : .max }),
  ]

  private static func prefixed(by prefix: Int) -> [Tree] {
    [
      Tree(prefix: prefix, trunk: 50, branches: [10, 1, 20]), Tree(prefix: prefix, trunk: 10),
      Tree(trunk: 30, branches: [3, 3]),
    ]
  }

  /// Spans of all sorts; one in `changes` rows does not see what the row before sees.
  private static func anything(rows: Int, within range: Range<Int32>, changes: Int32) -> [Int32] {
    let numbers = randomIntegers(rows * 4, seed: 7, in: range)
    let changes = randomIntegers(rows, seed: 8, in: 0..<changes)
    var last = 0
    return (0..<rows).flatMap { row in
      if changes[row] == 0 { last = row }
      return numbers[4 * last..<4 * last + 4]
    }
  }

  private static func tree(_ packing: Packing, _ dtype: DType) -> KernelCase {
    KernelCase("attentionTree", "\(packing)", dtype, tolerance: dtype == .float32 ? 1e-5 : 1e-2) { bench in
      let width = packing.heads * packing.headDimension
      let kvWidth = packing.kvHeads * packing.headDimension
      let qkv = try bench.random(packing.rows, width + 2 * kvWidth, gap: packing.gap, seed: 1, in: -3...3)
      func cache(seed: UInt64) throws -> Tensor? {
        guard packing.prefix > 0 else { return nil }
        return try bench.random(packing.prefix, kvWidth, gap: packing.gap, seed: seed, in: -3...3)
      }
      let y = try bench.random(packing.rows, width, gap: packing.gap, seed: 4)
      bench.device.attentionTree(
        y, qkv: qkv, prefixKeys: try cache(seed: 2), prefixValues: try cache(seed: 3),
        spans: try bench.integers(packing.spans, columns: 4, gap: packing.gap),
        slopes: packing.hasSlopes
          ? try bench.random(1, packing.heads, seed: 6, in: 0.004...0.5, dtype: .float32) : nil,
        packing.spec)
      return [try bench.result(y)]
    }
  }
}
