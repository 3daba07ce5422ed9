import ReferenceBackend
import Tensors

/// The tensors of one run of a case. Their elements are random, the same for the same seed and shape on every device,
/// and rounded to the element type before a device sees them. Rows may be further apart than they are long: the gaps
/// hold a marker, and must still hold it when a result is read.
final class Bench {
  let device: any Device
  /// Element type of the case.
  let dtype: DType
  private var addresses: [UnsafeMutableRawPointer] = []

  init(_ device: any Device, _ dtype: DType) {
    self.device = device
    self.dtype = dtype
  }

  func release() {
    addresses.forEach(device.release)
    addresses = []
  }

  /// What gaps hold: exact in bfloat16, and nothing a kernel would leave by accident.
  private static let marker: Float = -4928

  /// A tensor of `elements`, of the case's type unless told otherwise.
  func tensor(
    _ rows: Int, _ columns: Int, gap: Int = 0, _ elements: [Float], dtype: DType? = nil
  ) throws -> Tensor {
    let dtype = dtype ?? self.dtype
    let stride = columns + gap
    var whole = Tensor(
      address: try device.allocate(bytes: rows * stride * dtype.size), rows: rows, columns: stride, dtype: dtype)
    addresses.append(whole.address)
    if gap > 0 { write([Float](repeating: Self.marker, count: rows * stride), to: whole) }
    whole.columns = columns
    write(elements, to: whole)
    return whole
  }

  /// A random tensor. Every result is made by it too: a kernel that forgets an element leaves a wrong one.
  func random(
    _ rows: Int, _ columns: Int, gap: Int = 0, seed: UInt64, in range: ClosedRange<Float> = -1...1, dtype: DType? = nil
  ) throws -> Tensor {
    try tensor(rows, columns, gap: gap, randomFloats(rows * columns, seed: seed, in: range), dtype: dtype)
  }

  /// An int32 column, or several.
  func integers(_ elements: [Int32], columns: Int = 1, gap: Int = 0) throws -> Tensor {
    let rows = elements.count / columns
    var whole = Tensor(
      address: try device.allocate(bytes: rows * (columns + gap) * 4), rows: rows, columns: columns + gap,
      dtype: .int32)
    addresses.append(whole.address)
    [Int32](repeating: Int32(Self.marker), count: whole.count).withUnsafeBytes { device.upload($0, to: whole) }
    whole.columns = columns
    elements.withUnsafeBytes { device.upload($0, to: whole) }
    return whole
  }

  func write(_ elements: [Float], to tensor: Tensor) {
    elements.withUnsafeBufferPointer { device.write($0, to: tensor) }
  }

  /// The elements of a result, widened to float32.
  func result(_ tensor: Tensor) throws -> [Float] {
    var whole = tensor
    whole.columns = tensor.stride
    let elements = try read(whole)
    guard tensor.stride > tensor.columns else { return elements }
    var result: [Float] = []
    for row in 0..<tensor.rows {
      let start = row * tensor.stride
      for column in tensor.columns..<tensor.stride where elements[start + column] != Self.marker {
        throw GapError(row: row, column: column, value: elements[start + column])
      }
      result += elements[start..<start + tensor.columns]
    }
    return result
  }

  private func read(_ tensor: Tensor) throws -> [Float] {
    guard tensor.dtype == .int32 else { return try device.readFloats(tensor) }
    let integers: [Int32] = try device.read(tensor)
    return integers.map(Float.init)
  }
}

/// A kernel wrote behind the end of a row, where another tensor may be.
public struct GapError: Error, CustomStringConvertible {
  let row: Int
  let column: Int
  let value: Float
  public var description: String {
    "wrote \(value) behind the end of row \(row), at column \(column), which belongs to no operand"
  }
}
