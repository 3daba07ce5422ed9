import CPUBackend
import Dispatch
import Tensors

/// Memory and clock of a benchmark on one device.
final class Bench {
  let device: CPUDevice
  private var random = SplitMix64(seed: 1)
  private var allocations: [UnsafeMutableRawPointer] = []

  init(_ device: CPUDevice) { self.device = device }

  deinit { for address in allocations { device.release(address) } }

  /// A matrix of small random numbers.
  func tensor(_ rows: Int, _ columns: Int) throws -> Tensor {
    let tensor = try memory(rows, columns, .float32)
    // One row of them: filling 100 million numbers one by one would take longer than the measurement.
    let row = (0..<columns).map { _ in Float(random.nextUnit() - 0.5) }
    for index in 0..<rows { row.withUnsafeBufferPointer { device.write($0, to: tensor.rows(index..<index + 1)) } }
    return tensor
  }

  /// `rows` indices below `limit`.
  func indices(_ rows: Int, below limit: Int) throws -> Tensor {
    let tensor = try memory(rows, 1, .int32)
    let values = (0..<rows).map { _ in Int32(random.nextUnit() * Double(limit)) }
    values.withUnsafeBytes { device.upload($0, to: tensor) }
    return tensor
  }

  private func memory(_ rows: Int, _ columns: Int, _ dtype: DType) throws -> Tensor {
    let address = try device.allocate(bytes: rows * columns * dtype.size)
    allocations.append(address)
    return Tensor(address: address, rows: rows, columns: columns, dtype: dtype)
  }

  /// The best time of one run, in seconds: of at least five, and as many as fit in a fifth of a second. What else runs
  /// on the machine only makes it slower.
  static func seconds(_ body: @escaping () -> Void) -> Double { seconds([body])[0] }

  /// The same for several, which take turns.
  static func seconds(_ bodies: [() -> Void]) -> [Double] {
    var best = [Double](repeating: .infinity, count: bodies.count)
    for body in bodies { body() }
    let start = now
    var turns = 0
    while turns < 5 || now - start < 0.2 * Double(bodies.count) {
      for (index, body) in bodies.enumerated() {
        let begin = now
        body()
        best[index] = min(best[index], now - begin)
      }
      turns += 1
    }
    return best
  }

  private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}

enum Table {
  /// Columns padded to the widest cell, the first to the left, the others to the right.
  static func text(_ rows: [[String]]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}

extension Double {
  /// With one decimal.
  var short: String { "\((self * 10).rounded() / 10)" }
}
