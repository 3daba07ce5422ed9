import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Normalisation")
struct NormTests {
  static let kinds: [NormSpec.Kind] = [.layer, .rms]
  /// Lane multiples and odd sizes, fewer and more rows than a block of the parameter gradients has.
  static let shapes = [(1, 1), (3, 7), (16, 64), (17, 100), (70, 257), (133, 768)]

  @Test("forward, with and without residual and bias", arguments: kinds)
  func forward(kind: NormSpec.Kind) throws {
    for (rows, columns) in Self.shapes {
      for (residual, biased) in [(false, true), (true, false), (true, true)] {
        // One column is its own mean: its normalised value is rounding error over √ε.
        let spec = NormSpec(kind: kind, epsilon: 1e-5)
        try expectConformance("\(rows)×\(columns)", tolerance: 2e-6) { device in
          let x = try device.gappedTensor(rows, columns, gap: 3, seed: 1, in: -2...3)
          let delta = try device.gappedTensor(rows, columns, gap: 1, seed: 2)
          let weight = try device.randomTensor(1, columns, seed: 3)
          let bias = try device.randomTensor(1, columns, seed: 4)
          let y = try device.gappedTensor(rows, columns, gap: 2, seed: 5)
          let sum = try device.gappedTensor(rows, columns, gap: 5, seed: 6)
          let statistics = try device.gappedTensor(rows, 2, gap: 1, seed: 7)
          device.norm(
            y, statistics: statistics, sum: residual ? sum : nil, x: x, delta: residual ? delta : nil, weight: weight,
            bias: biased ? bias : nil, spec)
          return try [device.memory(y), device.memory(sum), device.memory(statistics)]
        }
      }
    }
  }

  @Test("backward sets or adds, and accumulates parameter gradients", arguments: kinds)
  func backward(kind: NormSpec.Kind) throws {
    let spec = NormSpec(kind: kind, epsilon: 1e-5)
    for (rows, columns) in Self.shapes {
      for (accumulate, hasWeight, hasBias) in [
        (Accumulation.set, true, true), (.add, true, false), (.add, false, true), (.set, false, false),
      ] {
        try expectConformance("\(rows)×\(columns), \(accumulate)", tolerance: 3e-6) { device in
          let x = try device.gappedTensor(rows, columns, gap: 3, seed: 1, in: -2...3)
          let weight = try device.randomTensor(1, columns, seed: 3)
          let dy = try device.gappedTensor(rows, columns, gap: 1, seed: 8)
          let dx = try device.gappedTensor(rows, columns, gap: 2, seed: 9)
          let dWeight = try device.randomTensor(1, columns, seed: 10)
          let dBias = try device.randomTensor(1, columns, seed: 11)
          // Statistics need not be those of x for the rule to be the same on both devices.
          let statistics = try device.gappedTensor(rows, 2, gap: 1, seed: 12, in: 0.3...0.9)
          if kind == .rms { device.write([Float](repeating: 0, count: rows), to: statistics.firstColumn) }
          device.normBackward(
            dx: dx, dWeight: hasWeight ? dWeight : nil, dBias: hasBias ? dBias : nil, dy: dy, x: x, weight: weight,
            statistics: statistics, spec, accumulate)
          return try [device.memory(dx), device.floats(dWeight), device.floats(dBias)]
        }
      }
    }
  }

  @Test("a large mean costs no precision")
  func largeMean() throws {
    try expectConformance("mean 1000", tolerance: 1e-4) { device in
      let x = try device.randomTensor(4, 1000, seed: 1, in: 999...1001)
      let weight = try device.tensor(1, 1000, [Float](repeating: 1, count: 1000))
      let y = try device.tensor(4, 1000)
      let statistics = try device.tensor(4, 2)
      device.norm(
        y, statistics: statistics, sum: nil, x: x, delta: nil, weight: weight, bias: nil,
        NormSpec(kind: .layer, epsilon: 1e-5))
      return try [device.floats(y)]
    }
  }

  @Test("parameter gradients do not depend on the number of threads", arguments: kinds)
  func threads(kind: NormSpec.Kind) throws {
    let results = try [1, 2, 3, 7].map { threads in
      let device = try CPUDevice(threads: threads)
      let (rows, columns) = (517, 1000)
      let x = try device.randomTensor(rows, columns, seed: 1)
      let dy = try device.randomTensor(rows, columns, seed: 2)
      let weight = try device.randomTensor(1, columns, seed: 3)
      let statistics = try device.randomTensor(rows, 2, seed: 4)
      let dx = try device.tensor(rows, columns)
      let dWeight = try device.tensor(1, columns)
      let dBias = try device.tensor(1, columns)
      device.normBackward(
        dx: dx, dWeight: dWeight, dBias: dBias, dy: dy, x: x, weight: weight, statistics: statistics,
        NormSpec(kind: kind, epsilon: 1e-5), .set)
      return try [device.floats(dx), device.floats(dWeight), device.floats(dBias)]
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("NaN and infinity spoil their own row and no other", arguments: [Float.nan, .infinity], kinds)
  func propagation(value: Float, kind: NormSpec.Kind) throws {
    let device = try CPUDevice(threads: 2)
    var elements = randomFloats(3 * 100, seed: 1)
    elements[100 + 37] = value
    let x = try device.tensor(3, 100, elements)
    let y = try device.tensor(3, 100)
    let statistics = try device.tensor(3, 2)
    let weight = try device.tensor(1, 100, [Float](repeating: 1, count: 100))
    device.norm(
      y, statistics: statistics, sum: nil, x: x, delta: nil, weight: weight, bias: nil,
      NormSpec(kind: kind, epsilon: 1e-5))
    let result = try device.floats(y)
    #expect(result[100 + 37].isNaN)
    #expect((result[..<100] + result[200...]).allSatisfy { $0.isFinite })
  }
}

extension Tensor {
  fileprivate var firstColumn: Tensor { Tensor(address: address, rows: rows, columns: 1, stride: stride) }
}
