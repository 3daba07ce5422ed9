/// A placed matrix: `rows` rows of `columns` elements, `stride` elements apart, at an address of one device.
///
/// Trivial on purpose: it never owns memory, so nothing is retained or counted inside a training step.
/// Vectors are matrices of one row.
public struct Tensor: @unchecked Sendable {
  public var address: UnsafeMutableRawPointer
  public var rows: Int
  public var columns: Int
  /// Elements from one row to the next; `columns` when the matrix is contiguous.
  public var stride: Int
  public var dtype: DType

  public init(
    address: UnsafeMutableRawPointer, rows: Int, columns: Int, stride: Int? = nil, dtype: DType = .float32
  ) {
    self.address = address
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
    self.dtype = dtype
  }

  /// Number of elements.
  public var count: Int { rows * columns }
  /// Bytes of a contiguous tensor of this shape.
  public var byteCount: Int { count * dtype.size }
  public var isContiguous: Bool { stride == columns || rows == 1 }

  /// The first `count` columns of this tensor, sharing its memory.
  public func columns(first count: Int) -> Tensor {
    var view = self
    view.columns = count
    return view
  }

  /// The rows `range` of this tensor, sharing its memory.
  public func rows(_ range: Range<Int>) -> Tensor {
    var view = self
    view.address = address + range.lowerBound * stride * dtype.size
    view.rows = range.count
    return view
  }
}

// An address is only ever followed by the device it belongs to; the struct itself is plain data.
extension UnsafeMutableRawPointer {
  /// The address as an array of `Float`; only meaningful for host-visible float32 memory.
  public var floats: UnsafeMutablePointer<Float> { assumingMemoryBound(to: Float.self) }
  /// The address as an array of `Int32`; only meaningful for host-visible int32 memory.
  public var integers: UnsafeMutablePointer<Int32> { assumingMemoryBound(to: Int32.self) }
}
