import Tensors

/// Some elements of one row of floating-point numbers, read exactly as Double and written rounded once, to nearest even.
struct Elements {
  var address: UnsafeMutableRawPointer
  var dtype: DType

  subscript(_ index: Int) -> Double {
    get {
      switch dtype {
      case .float32: Double(address.floats[index])
      case .bfloat16: Double(BFloat16.value(address.load(fromByteOffset: 2 * index, as: UInt16.self)))
      case .float16: Double(Float16(bitPattern: address.load(fromByteOffset: 2 * index, as: UInt16.self)))
      case .int32: preconditionFailure("integers are no operands of arithmetic")
      }
    }
    nonmutating set {
      switch dtype {
      case .float32: address.floats[index] = Float(newValue)
      case .bfloat16: address.storeBytes(of: BFloat16.bits(of: newValue), toByteOffset: 2 * index, as: UInt16.self)
      case .float16: address.storeBytes(of: Float16(newValue).bitPattern, toByteOffset: 2 * index, as: UInt16.self)
      case .int32: preconditionFailure("integers are no operands of arithmetic")
      }
    }
  }

  /// Stores or adds `value`.
  func put(_ value: Double, at index: Int, _ accumulate: Accumulation) {
    self[index] = accumulate == .add ? self[index] + value : value
  }

  /// The elements from `offset` on.
  static func + (elements: Elements, offset: Int) -> Elements {
    Elements(address: elements.address + offset * elements.dtype.size, dtype: elements.dtype)
  }
}

extension Tensor {
  /// The elements of one row.
  func row(_ row: Int) -> Elements { Elements(address: address + row * stride * dtype.size, dtype: dtype) }
  /// An element of int32 rows.
  func integer(_ row: Int, _ column: Int = 0) -> Int { Int((address + row * stride * dtype.size).integers[column]) }

  /// Sets every element from its row and column.
  func fill(_ element: (_ row: Int, _ column: Int) -> Double) {
    for i in 0..<rows {
      let result = row(i)
      for j in 0..<columns { result[j] = element(i, j) }
    }
  }
}
