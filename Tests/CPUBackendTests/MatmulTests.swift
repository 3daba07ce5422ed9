import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Matrix products")
struct MatmulTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var m: Int, n: Int, k: Int
    var testDescription: String { "\(m)×\(n)×\(k)" }
  }

  /// One row, a few (the skinny kernels and just beyond), edges of every tile, more than one block of each dimension.
  static let shapes = [
    Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 100, k: 37), Shape(m: 1, n: 3000, k: 50), Shape(m: 2, n: 5, k: 16),
    Shape(m: 5, n: 49, k: 67), Shape(m: 8, n: 64, k: 200), Shape(m: 9, n: 33, k: 65), Shape(m: 17, n: 31, k: 100),
    Shape(m: 47, n: 97, k: 30), Shape(m: 64, n: 48, k: 64), Shape(m: 131, n: 7, k: 50), Shape(m: 243, n: 17, k: 20),
    Shape(m: 33, n: 50, k: 390), Shape(m: 20, n: 1930, k: 6), Shape(m: 500, n: 3, k: 40),
    Shape(m: 250, n: 50, k: 800),
  ]

  @Test("agrees with double precision", arguments: shapes)
  func conformance(shape: Shape) throws {
    let (m, n, k) = (shape.m, shape.n, shape.k)
    for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
      let variants = [(Accumulation.set, false, 0), (.set, true, 3), (.add, false, 3), (.add, true, 0)]
      for (accumulate, biased, gap) in variants {
        try expectConformance(
          "\(transposeA) \(transposeB) \(accumulate) bias \(biased)", threads: [1, 2, 5], blas: BLAS.available
        ) { device in
          let a = try device.gappedTensor(transposeA ? k : m, transposeA ? m : k, gap: gap, seed: 1)
          let b = try device.gappedTensor(transposeB ? n : k, transposeB ? k : n, gap: gap, seed: 2)
          let bias = try device.randomTensor(1, n, seed: 3)
          let c = try device.gappedTensor(m, n, gap: gap, seed: 4)
          device.matmul(
            c, a, b, transposeA: transposeA, transposeB: transposeB, accumulate: accumulate, bias: biased ? bias : nil)
          return try [device.memory(c)]
        }
      }
    }
  }

  @Test("`set` ignores what was there, NaN included", arguments: BLAS.available)
  func overwrites(blas: BLAS) throws {
    let device = try CPUDevice(threads: 2, blas: blas)
    for m in [1, 60] {
      let a = try device.tensor(m, 70, [Float](repeating: 1, count: m * 70))
      let b = try device.tensor(70, 50, [Float](repeating: 2, count: 70 * 50))
      let c = try device.tensor(m, 50, [Float](repeating: .nan, count: m * 50))
      device.matmul(c, a, b, transposeA: false, transposeB: false, accumulate: .set, bias: nil)
      #expect(try device.floats(c).allSatisfy { $0 == 140 })
    }
  }

  @Test("an empty inner dimension gives the bias", arguments: BLAS.available)
  func emptySum(blas: BLAS) throws {
    let device = try CPUDevice(threads: 2, blas: blas)
    let a = try device.tensor(40, 0)
    let b = try device.tensor(0, 3)
    let bias = try device.tensor(1, 3, [1, 2, 3])
    let c = try device.randomTensor(40, 3, seed: 1)
    device.matmul(c, a, b, transposeA: false, transposeB: false, accumulate: .set, bias: bias)
    #expect(try device.floats(c) == (0..<40).flatMap { _ in [1, 2, 3] as [Float] })
  }

  /// On two devices, and wherever the operands lie.
  @Test("the same product twice is bit-equal", arguments: BLAS.available, [1, 2, 3])
  func determinism(blas: BLAS, threads: Int) throws {
    for (transposeA, transposeB) in [(false, true), (false, false), (true, false)] {
      let results = try (0..<6).map { turn in
        let device = try CPUDevice(threads: threads, blas: blas)
        // In an arena, tensors begin on multiples of 64 bytes.
        func operand(_ rows: Int, _ columns: Int, seed: UInt64) throws -> Tensor {
          let address = try device.allocate(bytes: 4 * rows * columns + 64 * turn) + 64 * turn
          let tensor = Tensor(address: address, rows: rows, columns: columns)
          device.write(randomFloats(rows * columns, seed: seed), to: tensor)
          return tensor
        }
        let a = try transposeA ? operand(401, 200, seed: 1) : operand(200, 401, seed: 1)
        let b = try transposeB ? operand(150, 401, seed: 2) : operand(401, 150, seed: 2)
        let c = try operand(200, 150, seed: 3)
        device.matmul(c, a, b, transposeA: transposeA, transposeB: transposeB, accumulate: .set, bias: nil)
        return try device.floats(c).map(\.bitPattern)
      }
      #expect(results.allSatisfy { $0 == results[0] }, "\(transposeA) \(transposeB)")
    }
  }
}
