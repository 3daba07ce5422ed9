import Dispatch
import Tensors

/// How fast a device multiplies matrices, measured in a fraction of a second.
enum Calibration {
  /// Floating-point operations a second in products of [rows, width] by [width, 4·width], as a feed-forward layer has them,
  /// of matrices of `dtype`. Products grow up to `width`, or until one takes long enough to be measured.
  static func operationsPerSecond(
    of device: any Device, _ dtype: DType, width largest: Int
  ) throws(DeviceError) -> Double {
    var width = 64
    while true {
      let product = try Product(device, dtype, rows: 2 * width, width: width)
      defer { product.release() }
      try product.run(1)  // an accelerator chooses its algorithm
      let seconds = try product.run(1)
      if seconds >= 0.01 || 2 * width > min(max(largest, 64), 4096) {
        return try product.operationsPerSecond(count: max(1, min(16, Int(0.005 / seconds))))
      }
      width *= 2
    }
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

    /// The best of several measurements of at least 20 ms: what else runs on the machine only makes it slower.
    func operationsPerSecond(count: Int) throws(DeviceError) -> Double {
      let operations = 2 * Double(c.count) * Double(a.columns)
      var best = 0.0
      for _ in 0..<5 {
        var (seconds, products) = (0.0, 0)
        while seconds < 0.02 {
          seconds += try run(count)
          products += count
        }
        best = max(best, operations * Double(products) / seconds)
      }
      return best
    }
  }
}
