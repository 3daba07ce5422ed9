/// Float32 numbers in and out of tensors of any floating-point type.
extension Device {
  /// Puts `values` into a tensor in row order, rounding to nearest even where it is narrower.
  public func write(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor) {
    precondition(values.count == tensor.count && tensor.dtype != .int32)
    func upload(rounded bits: (Float) -> UInt16) {
      let rounded = [UInt16](unsafeUninitializedCapacity: values.count) { buffer, count in
        for index in values.indices { buffer[index] = bits(values[index]) }
        count = values.count
      }
      rounded.withUnsafeBytes { self.upload($0, to: tensor) }
    }
    switch tensor.dtype {
    case .float32, .int32: self.upload(UnsafeRawBufferPointer(values), to: tensor)
    case .bfloat16: upload(rounded: BFloat16.bits)
    case .float16: upload { Float16($0).bitPattern }
    }
  }

  /// The elements of a tensor in row order. Waits for the device.
  public func readFloats(_ tensor: Tensor) throws(DeviceError) -> [Float] {
    precondition(tensor.dtype != .int32)
    guard tensor.dtype != .float32 else { return try read(tensor) }
    let rounded: [UInt16] = try read(tensor)
    return tensor.dtype == .bfloat16 ? rounded.map(BFloat16.value) : rounded.map { Float(Float16(bitPattern: $0)) }
  }

  /// The elements of a tensor, in row order, as they are. Waits for the device.
  public func read<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _ tensor: Tensor
  ) throws(DeviceError) -> [Element] {
    precondition(MemoryLayout<Element>.size == tensor.dtype.size)
    var elements = [Element](repeating: 0, count: tensor.count)
    let failure = elements.withUnsafeMutableBytes { bytes -> DeviceError? in
      do throws(DeviceError) { try download(tensor, to: bytes) } catch { return error }
      return nil
    }
    if let failure { throw failure }
    return elements
  }
}
