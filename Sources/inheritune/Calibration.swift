import Dispatch
import Tensors

/// How fast a device multiplies matrices, measured in a fraction of a second.
enum Calibration {
  /// Floating-point operations a second in products of [rows, width] by [width, 4·width], as a feed-forward layer has them.
  static func operationsPerSecond(of device: any Device, width: Int) throws -> Double {
    let width = min(max(width, 64), 1024)
    let rows = 512
    func tensor(_ rows: Int, _ columns: Int) throws -> Tensor {
      Tensor(address: try device.allocate(bytes: rows * columns * 4), rows: rows, columns: columns)
    }
    let a = try tensor(rows, width), b = try tensor(4 * width, width), c = try tensor(rows, 4 * width)
    defer { for tensor in [a, b, c] { device.release(tensor.address) } }
    device.fill(a, 0.5)
    device.fill(b, 0.25)
    func multiply() { device.matmul(c, a, b, transposeA: false, transposeB: true, accumulate: .set, bias: nil) }
    multiply()
    try device.synchronize()
    // The best of several: what else runs on the machine only makes it slower.
    var best = 0.0
    for _ in 0..<5 {
      var count = 0
      let start = DispatchTime.now().uptimeNanoseconds
      repeat {
        multiply()
        try device.synchronize()
        count += 1
      } while DispatchTime.now().uptimeNanoseconds - start < 20_000_000
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
      best = max(best, Double(8 * rows * width * width * count) / seconds)
    }
    return best
  }
}
