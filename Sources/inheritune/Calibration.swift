import Dispatch
import Profiling
import Tensors

/// How fast a device computes, measured in hundredths of a second: `plan` should not be waited for.
enum Calibration {
  /// Seconds that a measurement takes at least.
  private static let shortest = 0.002

  /// Floating-point operations a second in products of [rows, width] by [width, 4·width], as a feed-forward layer has
  /// them, of matrices of `dtype`. Products grow up to `width`, or until one takes long enough to be measured.
  static func operationsPerSecond(
    of device: any Device, _ dtype: DType, width largest: Int
  ) throws(DeviceError) -> Double {
    var width = 64
    while true {
      let product = try Product(device, dtype, rows: 2 * width, width: width)
      defer { product.release() }
      try product.run(1)  // an accelerator chooses its algorithm
      let seconds = try product.run(1)
      if seconds >= shortest || 2 * width > min(max(largest, 64), 4096) {
        return try product.operationsPerSecond(count: max(1, min(16, Int(shortest / seconds))))
      }
      width *= 2
    }
  }

  /// What kernels of an accelerator are compared with: its own products in the fastest type, and its own copying.
  static func limits(of device: any Device) throws(DeviceError) -> MachineLimits {
    let dtype = device.info.dtypes.contains(.bfloat16) ? DType.bfloat16 : .float32
    return MachineLimits(
      operationsPerSecond: try operationsPerSecond(of: device, dtype, width: 4096),
      bytesPerSecond: try bytesPerSecond(of: device), method: "products of \(dtype) and copying, by its own kernels")
  }

  /// Bytes read and written a second by the device's copy of 256 MiB.
  private static func bytesPerSecond(of device: any Device) throws(DeviceError) -> Double {
    var tensors: [Tensor] = []
    defer { for tensor in tensors { device.release(tensor.address) } }
    for _ in 0..<2 {
      tensors.append(Tensor(address: try device.allocate(bytes: 256 << 20), rows: 8192, columns: 8192))
    }
    var best = 0.0
    for _ in 0..<5 {
      let start = DispatchTime.now().uptimeNanoseconds
      device.copy(tensors[0], tensors[1])
      try device.synchronize()
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
      best = max(best, 2 * Double(tensors[0].byteCount) / seconds)
    }
    return best
  }

  private struct Product {
    let device: any Device
    let a: Tensor, b: Tensor, c: Tensor

    init(_ device: any Device, _ dtype: DType, rows: Int, width: Int) throws(DeviceError) {
      func tensor(_ rows: Int, _ columns: Int) throws(DeviceError) -> Tensor {
        Tensor(
          address: try device.allocate(bytes: rows * columns * dtype.size), rows: rows, columns: columns, dtype: dtype)
      }
      self.device = device
      a = try tensor(rows, width)
      b = try tensor(4 * width, width)
      c = try tensor(rows, 4 * width)
      // Not constants: a GPU draws less power, and runs faster, on numbers whose bits do not change.
      var random = SplitMix64(seed: 1)
      let row = (0..<width).map { _ in Float(random.nextUnit() - 0.5) }
      for matrix in [a, b] {
        for index in 0..<matrix.rows {
          row.withUnsafeBufferPointer { device.write($0, to: matrix.rows(index..<index + 1)) }
        }
      }
    }

    func release() { for tensor in [a, b, c] { device.release(tensor.address) } }

    /// Seconds of `count` products, one after the other.
    @discardableResult
    func run(_ count: Int) throws(DeviceError) -> Double {
      let start = DispatchTime.now().uptimeNanoseconds
      for _ in 0..<count {
        device.matmul(c, a, b, transposeA: false, transposeB: true, accumulate: .set, bias: nil)
      }
      try device.synchronize()
      return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    /// The best of several measurements: what else runs on the machine only makes it slower.
    func operationsPerSecond(count: Int) throws(DeviceError) -> Double {
      let operations = 2 * Double(c.count) * Double(a.columns)
      var best = 0.0
      for _ in 0..<5 { best = max(best, operations * Double(count) / (try run(count))) }
      return best
    }
  }
}
