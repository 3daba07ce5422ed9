import Testing

@testable import Checkpoints

struct StridedLayoutTests {
  /// The places of some elements, one by one from the definition.
  private func places(_ layout: StridedLayout) -> [Int] {
    var places = [layout.offset]
    for (size, stride) in zip(layout.sizes, layout.strides) {
      places = places.flatMap { place in (0..<size).map { place + $0 * stride } }
    }
    return places
  }

  private func walked(_ layout: StridedLayout, _ range: Range<Int>) -> [Int] {
    var places: [Int] = []
    layout.forEachRun(range) { run in places += (0..<run.count).map { run.start + $0 * run.stride } }
    return places
  }

  static let layouts = [
    StridedLayout(contiguous: []), StridedLayout(offset: 5, contiguous: [7]), StridedLayout(contiguous: [3, 4, 5]),
    StridedLayout(offset: 2, sizes: [4, 3], strides: [1, 4]), StridedLayout(sizes: [2, 3, 4], strides: [100, 7, 1]),
    StridedLayout(offset: 1, sizes: [3, 2], strides: [0, 1]), StridedLayout(sizes: [3, 3], strides: [1, 1]),
    StridedLayout(sizes: [2, 1, 3, 4], strides: [12, 99, 4, 1]), StridedLayout(sizes: [3, 0, 2], strides: [1, 1, 1]),
    StridedLayout(sizes: [5], strides: [3]), StridedLayout(sizes: [4, 4], strides: [0, 0]),
  ]

  @Test(arguments: layouts)
  func everyRange(layout: StridedLayout) {
    let all = places(layout)
    #expect(all.count == layout.elementCount)
    for start in 0...all.count {
      for end in start...all.count { #expect(walked(layout, start..<end) == Array(all[start..<end])) }
    }
  }

  @Test func contiguousIsOneRun() {
    var runs = 0
    StridedLayout(contiguous: [3, 4, 5]).forEachRun(7..<50) { run in
      runs += 1
      #expect((run.start, run.count, run.stride) == (7, 43, 1))
    }
    #expect(runs == 1)
    #expect(StridedLayout(contiguous: [3, 4, 5]).isContiguous)
    #expect(StridedLayout(sizes: [3, 1, 2], strides: [2, 77, 1]).isContiguous)
    #expect(!StridedLayout(sizes: [3, 2], strides: [3, 1]).isContiguous)
    #expect(!StridedLayout(sizes: [4], strides: [0]).isContiguous)
  }

  /// Heads of [H, 3, D] rows of C, as q, k and v; and a transposed matrix.
  @Test func views() {
    let (H, D, C) = (2, 3, 4)
    let stored = StridedLayout(contiguous: [H * 3 * D, C])
    let keys = stored.splitting(axis: 0, into: [H, 3, D]).narrowing(axis: 1, to: 1..<2)
    let expected = (0..<H).flatMap { h in (0..<D * C).map { (h * 3 + 1) * D * C + $0 } }
    #expect(places(keys) == expected)
    #expect(walked(keys, 0..<H * D * C) == expected)
    let transposed = StridedLayout(contiguous: [2, 3]).permuting([1, 0])
    #expect(places(transposed) == [0, 3, 1, 4, 2, 5])
    #expect(transposed.sizes == [3, 2])
  }

  /// What a file asks for must lie in the storage, whatever overflows.
  @Test func checked() {
    func make(_ offset: Int, _ sizes: [Int], _ strides: [Int], _ count: Int) -> StridedLayout? {
      StridedLayout(checking: offset, sizes: sizes, strides: strides, count: count)
    }
    #expect(make(0, [2, 3], [3, 1], 6) != nil)
    #expect(make(0, [2, 3], [3, 1], 5) == nil)
    #expect(make(1, [2, 3], [3, 1], 6) == nil)
    #expect(make(5, [], [], 6) != nil)
    #expect(make(6, [], [], 6) == nil)
    #expect(make(1000, [0, 3], [3, 1], 0) != nil)
    #expect(make(-1, [1], [1], 6) == nil)
    #expect(make(0, [-2], [1], 6) == nil)
    #expect(make(5, [2], [-1], 6) == nil)
    #expect(make(0, [2], [1, 1], 6) == nil)
    #expect(make(0, [2, 2], [.max / 2, 1], 6) == nil)
    #expect(make(.max, [2], [.max], 6) == nil)
    #expect(make(0, [1 << 32, 1 << 32], [0, 0], 1) == nil)
    #expect(make(0, [1 << 20, 1 << 20], [0, 0], 1) != nil)
  }
}
