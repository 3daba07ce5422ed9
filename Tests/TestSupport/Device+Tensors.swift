import DeviceChecks
import Tensors

extension Device {
  /// Memory of its own holding `elements` (zeros when nil) in rows `stride` apart. Never released: for tests.
  public func tensor(
    _ rows: Int, _ columns: Int, stride: Int? = nil, _ elements: [Float]? = nil
  ) throws -> Tensor {
    let stride = stride ?? columns
    let tensor = Tensor(address: try allocate(bytes: rows * stride * 4), rows: rows, columns: columns, stride: stride)
    if let elements { write(elements, to: tensor) }
    return tensor
  }

  /// An int32 column.
  public func integerTensor(_ elements: [Int32]) throws -> Tensor {
    let tensor = Tensor(
      address: try allocate(bytes: elements.count * 4), rows: elements.count, columns: 1, dtype: .int32)
    write(elements, to: tensor)
    return tensor
  }

  /// A random tensor, the same for the same seed and shape on every device.
  public func randomTensor(
    _ rows: Int, _ columns: Int, stride: Int? = nil, seed: UInt64, in range: ClosedRange<Float> = -1...1
  ) throws -> Tensor {
    try tensor(rows, columns, stride: stride, randomFloats(rows * columns, seed: seed, in: range))
  }

  public func write<Element: BitwiseCopyable>(_ elements: [Element], to tensor: Tensor) {
    elements.withUnsafeBytes { upload($0, to: tensor) }
  }

  public func floats(_ tensor: Tensor) throws -> [Float] { try read(tensor) }

  public func integers(_ tensor: Tensor) throws -> [Int32] { try read(tensor) }
}
