import CPUBackend
import Tensors
import TestSupport
import Testing

/// That the numbers are right is for `KernelCase` to say.
@Suite("Normalisation of heads")
struct HeadNormTests {
  private static let spec = HeadNormSpec(heads: 6, kvHeads: 2, headDimension: 48, headStride: 56, epsilon: 1e-6)
  private static let columns = 10 * 56

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let rows = 517
    let results = try [1, 2, 3, 7].map { threads in
      let device = try CPUDevice(threads: threads)
      let x = try device.randomTensor(rows, Self.columns, seed: 1)
      let dy = try device.randomTensor(rows, Self.columns, seed: 2)
      let weights = try (0..<2).map { try device.randomTensor(1, 48, seed: UInt64(3 + $0)) }
      let gradients = try (0..<2).map { _ in try device.tensor(1, 48) }
      let y = try device.tensor(rows, Self.columns)
      let statistics = try device.tensor(rows, 8)
      let dx = try device.tensor(rows, Self.columns)
      device.headNorm(
        y, statistics: statistics, x: x, queryWeight: weights[0], keyWeight: weights[1], Self.spec)
      device.headNormBackward(
        dx: dx, dQueryWeight: gradients[0], dKeyWeight: gradients[1], dy: dy, x: x, queryWeight: weights[0],
        keyWeight: weights[1], statistics: statistics, Self.spec)
      return try ([y, statistics, dx] + gradients).map(device.floats)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("NaN spoils its own head and no other; a head of zeros stays one")
  func propagation() throws {
    let device = try CPUDevice(threads: 2)
    var elements = randomFloats(3 * Self.columns, seed: 1)
    let start = Self.columns + 2 * 56
    elements[start + 7] = .nan
    for index in 0..<48 { elements[start + 56 + index] = 0 }
    let x = try device.tensor(3, Self.columns, elements)
    let y = try device.tensor(3, Self.columns)
    let weight = try device.tensor(1, 48, [Float](repeating: 1, count: 48))
    device.headNorm(
      y, statistics: try device.tensor(3, 8), x: x, queryWeight: weight, keyWeight: weight, Self.spec)
    let result = try device.floats(y)
    #expect(result[start..<start + 48].allSatisfy { $0.isNaN })
    #expect((result[..<start] + result[(start + 48)...]).allSatisfy { $0.isFinite })
    #expect(result[(start + 56)..<(start + 56 + 48)].allSatisfy { $0 == 0 })
  }
}
