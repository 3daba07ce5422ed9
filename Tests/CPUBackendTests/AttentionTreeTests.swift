import CPUBackend
import Tensors
import TestSupport
import Testing

/// Rows packed of trees of texts. That the numbers agree with double precision is for `KernelCase` to say; what they
/// are, for these tests.
@Suite("Attention of trees")
struct AttentionTreeTests {
  private static func spec(_ length: Int, window: Int? = nil) -> AttentionSpec {
    AttentionSpec(length: length, heads: 3, kvHeads: 1, headDimension: 20, scale: 0.3, window: window)
  }
  private static let columns = 100
  private static let width = 60

  /// A device with rows of q, k and v, and what it makes of them.
  private struct Bench {
    let device: CPUDevice
    let slopes: Tensor

    init(threads: Int = 2) throws {
      device = try CPUDevice(threads: threads)
      slopes = try device.tensor(1, 3, [0.5, 0.1, 0.01])
    }

    func tree(
      _ rows: [Float], prefix: [Float] = [], spans: [[Int32]], window: Int? = nil
    ) throws -> [Float] {
      let qkv = try device.tensor(spans.count, columns, rows)
      let cached = prefix.count / columns
      // Of packed rows of the prefix, k and v.
      let caches = try [width, width + 20].map { start in
        try device.tensor(max(cached, 1), 20, (0..<cached * 20).map { prefix[$0 / 20 * columns + start + $0 % 20] })
      }
      let y = try device.tensor(spans.count, width)
      let places = Tensor(
        address: try device.allocate(bytes: spans.count * 16), rows: spans.count, columns: 4, dtype: .int32)
      device.write(spans.flatMap { $0 }, to: places)
      device.attentionTree(
        y, qkv: qkv, prefixKeys: cached > 0 ? caches[0] : nil, prefixValues: cached > 0 ? caches[1] : nil,
        spans: places, slopes: slopes, spec(0, window: window))
      return try device.floats(y)
    }

    func whole(_ rows: [Float], window: Int?) throws -> [Float] {
      let length = rows.count / columns
      let qkv = try device.tensor(length, columns, rows)
      let y = try device.tensor(length, width)
      device.attention(
        y, logSumExp: try device.tensor(length, 3), qkv: qkv, slopes: slopes, documentStarts: nil,
        spec(length, window: window))
      return try device.floats(y)
    }
  }

  /// Every branch with its trunk before it, and the prefix before that, is one ordinary sequence.
  @Test("rows are what each is in a text of its own", arguments: [nil, 10, 100] as [Int?], [0, 1, 90])
  func alone(window: Int?, prefix: Int) throws {
    let bench = try Bench()
    let trees = [(trunk: 70, branches: [25, 1, 3, 40, 25]), (trunk: 5, branches: [2]), (trunk: 130, branches: [])]
    let cached = randomFloats(prefix * Self.columns, seed: 3, in: -2...2)
    let count = trees.reduce(0) { $0 + $1.trunk + $1.branches.reduce(0, +) }
    let rows = randomFloats(count * Self.columns, seed: 4, in: -2...2)
    var spans: [[Int32]] = []
    /// Rows of each text, and those of them that it is alone to have.
    var texts: [(rows: [Int], own: Range<Int>)] = []
    for tree in trees {
      let start = spans.count
      let end = start + tree.trunk
      spans += [[Int32]](repeating: [prefix, 0, 0, start].map { Int32($0) }, count: tree.trunk)
      texts.append((Array(start..<end), start..<end))
      for branch in tree.branches {
        let own = spans.count..<spans.count + branch
        spans += [[Int32]](repeating: [prefix, start, end, own.lowerBound].map { Int32($0) }, count: branch)
        texts.append((Array(start..<end) + own, own))
      }
    }
    let found = try bench.tree(rows, prefix: cached, spans: spans, window: window)
    for text in texts {
      let elements = cached + text.rows.flatMap { rows[$0 * Self.columns..<($0 + 1) * Self.columns] }
      let expected = try bench.whole(elements, window: window).suffix(text.own.count * Self.width)
      let part = found[text.own.lowerBound * Self.width..<text.own.upperBound * Self.width]
      #expect(relativeDifference(Array(part), Array(expected)) < 3e-6, "\(text.own)")
    }
  }

  @Test("one text is causal attention, almost to the bit")
  func one() throws {
    let bench = try Bench()
    let rows = randomFloats(200 * Self.columns, seed: 5, in: -2...2)
    let found = try bench.tree(rows, spans: [[Int32]](repeating: [0, 0, 0, 0], count: 200))
    #expect(relativeDifference(found, try bench.whole(rows, window: nil)) < 1e-6)
  }

  /// What is read and then weighed by 0 would spread its NaNs.
  @Test("rows of other trees are not read, nor is the cache behind the prefix")
  func skipping() throws {
    let bench = try Bench()
    var rows = randomFloats(320 * Self.columns, seed: 6)
    for index in 128 * Self.columns..<192 * Self.columns { rows[index] = .nan }
    var cached = randomFloats(100 * Self.columns, seed: 7)
    for index in 64 * Self.columns..<cached.count { cached[index] = .nan }
    let spans = (0..<320).map { row -> [Int32] in
      switch row {
      case ..<128: [64, 0, 0, 0]
      case ..<192: [0, 0, 0, 128]
      default: [64, 0, 128, 192]
      }
    }
    let found = try bench.tree(rows, prefix: cached, spans: spans)
    let spoiled = 128 * Self.width..<192 * Self.width
    #expect(found.indices.allSatisfy { found[$0].isFinite != spoiled.contains($0) })
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let rows = randomFloats(150 * Self.columns, seed: 8)
    let spans = (0..<150).map { row -> [Int32] in
      row < 70 ? [0, 0, 0, 0] : [0, 0, 70, Int32(row) / 20 * 20 - 10]
    }
    let results = try [1, 2, 3, 7].map { try Bench(threads: $0).tree(rows, spans: spans) }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
