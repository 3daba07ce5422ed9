import Tensors

/// `count` numbers, uniform in `range`, the same for the same seed.
public func randomFloats(_ count: Int, seed: UInt64, in range: ClosedRange<Float> = -1...1) -> [Float] {
  var random = SplitMix64(seed: seed)
  return (0..<count).map { _ in range.lowerBound + (range.upperBound - range.lowerBound) * Float(random.nextUnit()) }
}

/// `count` integers, uniform in `range`, the same for the same seed.
public func randomIntegers(_ count: Int, seed: UInt64, in range: Range<Int32>) -> [Int32] {
  var random = SplitMix64(seed: seed)
  return (0..<count).map { _ in range.lowerBound + Int32(random.next(below: range.count)) }
}

/// Largest |a − b|; infinite when the counts differ or one is NaN where the other is not.
public func maximumDifference(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { largest, pair in
    if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { return largest }
    let difference = abs(Double(pair.0) - Double(pair.1))
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

/// Largest |a − b| over the largest |b|: the error of `a` against the reference `b`.
public func relativeDifference(_ a: [Float], _ b: [Float]) -> Double {
  let largest = b.reduce(0) { max($0, abs(Double($1))) }
  let difference = maximumDifference(a, b)
  return difference == 0 ? 0 : difference / largest
}

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

  public func floats(_ tensor: Tensor) throws -> [Float] {
    try elements(tensor, Float(0))
  }

  public func integers(_ tensor: Tensor) throws -> [Int32] {
    try elements(tensor, Int32(0))
  }

  func elements<Element: BitwiseCopyable>(_ tensor: Tensor, _ zero: Element) throws -> [Element] {
    var elements = [Element](repeating: zero, count: tensor.count)
    try elements.withUnsafeMutableBytes { try download(tensor, to: $0) }
    return elements
  }
}
