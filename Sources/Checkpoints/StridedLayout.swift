/// Where the elements of a tensor are among those of its storage: element (i, j, …) is number
/// `offset` + i·strides[0] + j·strides[1] + … . Slices, transposed matrices and interleaved heads are all layouts of one
/// storage, and none of them moves an element.
public struct StridedLayout: Sendable, Hashable {
  public let offset: Int
  /// A factorisation of the tensor's elements in row-major order: its shape, or a finer one.
  public let sizes: [Int]
  /// In elements; 0 repeats.
  public let strides: [Int]
  /// The same with as few axes as it can be said with; what is walked.
  private let axes: [Axis]

  private struct Axis: Sendable, Hashable {
    var size: Int
    var stride: Int
  }

  /// - Precondition: as many strides as sizes; every element's number fits an Int. Untrusted numbers go through
  ///   `init(checking:…)`.
  public init(offset: Int = 0, sizes: [Int], strides: [Int]) {
    precondition(sizes.count == strides.count)
    self.offset = offset
    self.sizes = sizes
    self.strides = strides
    var axes: [Axis] = []
    for (size, stride) in zip(sizes, strides) where size != 1 {
      if let last = axes.last, last.stride == size * stride {
        axes[axes.count - 1] = Axis(size: last.size * size, stride: stride)
      } else {
        axes.append(Axis(size: size, stride: stride))
      }
    }
    self.axes = axes
  }

  /// Elements one after the other, in row-major order.
  public init(offset: Int = 0, contiguous sizes: [Int]) {
    var strides = [Int](repeating: 1, count: sizes.count)
    for axis in sizes.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * sizes[axis + 1] }
    self.init(offset: offset, sizes: sizes, strides: strides)
  }

  /// A layout that a file asks for; nil when any element would lie outside a storage of `count` elements, or when there
  /// are more than 2^62 of them.
  public init?(checking offset: Int, sizes: [Int], strides: [Int], count: Int) {
    guard sizes.count == strides.count, offset >= 0, sizes.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 })
    else { return nil }
    // The product of what is not empty: the coalesced axes must not overflow either.
    var elements = 1
    var last = offset
    for (size, stride) in zip(sizes, strides) {
      let (product, overflow) = elements.multipliedReportingOverflow(by: max(size, 1))
      let (reach, reachOverflow) = stride.multipliedReportingOverflow(by: max(size, 1))
      let (end, endOverflow) = last.addingReportingOverflow(max(reach &- stride, 0))
      guard !overflow, !reachOverflow, !endOverflow, product <= 1 << 62 else { return nil }
      (elements, last) = (product, end)
    }
    guard sizes.contains(0) || last < count else { return nil }
    self.init(offset: offset, sizes: sizes, strides: strides)
  }

  public var elementCount: Int { sizes.reduce(1, *) }

  /// Whether the elements lie one after the other.
  public var isContiguous: Bool { axes.isEmpty || axes.count == 1 && axes[0].stride == 1 || elementCount == 0 }

  // MARK: Views

  /// The axis as several, whose sizes multiply to its own.
  public func splitting(axis: Int, into parts: [Int]) -> StridedLayout {
    precondition(parts.reduce(1, *) == sizes[axis], "parts that do not make the axis")
    let inner = StridedLayout(contiguous: parts).strides.map { $0 * strides[axis] }
    return StridedLayout(
      offset: offset, sizes: sizes[..<axis] + parts + sizes[(axis + 1)...],
      strides: strides[..<axis] + inner + strides[(axis + 1)...])
  }

  /// The axes in another order.
  public func permuting(_ order: [Int]) -> StridedLayout {
    precondition(order.sorted() == Array(sizes.indices), "an order that is none")
    return StridedLayout(offset: offset, sizes: order.map { sizes[$0] }, strides: order.map { strides[$0] })
  }

  /// A part of one axis.
  public func narrowing(axis: Int, to range: Range<Int>) -> StridedLayout {
    precondition(range.lowerBound >= 0 && range.upperBound <= sizes[axis], "a range outside the axis")
    var sizes = sizes
    sizes[axis] = range.count
    return StridedLayout(offset: offset + range.lowerBound * strides[axis], sizes: sizes, strides: strides)
  }

  // MARK: Walking

  /// Elements of the storage, `stride` apart.
  public struct Run: Sendable {
    public var start: Int
    public var count: Int
    public var stride: Int
  }

  /// The places of the elements `range`, counted in row-major order, as runs as long as they can be.
  public func forEachRun<Failure: Error>(_ range: Range<Int>, _ body: (Run) throws(Failure) -> Void) throws(Failure) {
    precondition(range.lowerBound >= 0 && range.upperBound <= elementCount, "elements that do not exist")
    guard !range.isEmpty else { return }
    let inner = axes.last ?? Axis(size: 1, stride: 1)
    let outer = axes.dropLast()
    var element = range.lowerBound
    while element < range.upperBound {
      var (row, column) = element.quotientAndRemainder(dividingBy: inner.size)
      let count = min(inner.size - column, range.upperBound - element)
      var start = offset + column * inner.stride
      for axis in outer.reversed() {
        let (rest, index) = row.quotientAndRemainder(dividingBy: axis.size)
        start += index * axis.stride
        row = rest
      }
      column = 0
      try body(Run(start: start, count: count, stride: inner.stride))
      element += count
    }
  }
}
