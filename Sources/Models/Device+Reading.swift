import Tensors

extension Device {
  /// The elements of a tensor, in row order. Waits for the device.
  func read<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
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
