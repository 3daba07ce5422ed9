import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Pointwise kernels")
struct PointwiseTests {
  static let kinds: [Activation] = [.geluTanh, .geluErf, .silu, .relu]

  /// Values and derivatives over the whole range where they are not trivial.
  @Test("activations are as exact as float32", arguments: kinds)
  func accuracy(kind: Activation) throws {
    let count = 200_001
    let x = (0..<count).map { (Float($0) - 100_000) / 5000 }  // −20 … 20
    func evaluate(_ device: any Device) throws -> (values: [Float], slopes: [Float]) {
      let input = try device.tensor(1, count, x)
      let y = try device.tensor(1, count)
      device.activation(y, input, kind)
      let dx = try device.tensor(1, count, [Float](repeating: 1, count: count))
      device.activationBackward(dx, dy: dx, x: input, kind)
      return (try device.floats(y), try device.floats(dx))
    }
    let found = try evaluate(try CPUDevice(threads: 2))
    let expected = try evaluate(ReferenceDevice())
    // Values: relative to |x| where the function is near x, so a few units in the last place.
    var worst = 0.0
    for i in 0..<count {
      worst = max(worst, abs(Double(found.values[i]) - Double(expected.values[i])) / max(abs(Double(x[i])), 0.01))
    }
    #expect(worst < 2e-7, "values of \(kind): \(worst)")
    #expect(maximumDifference(found.slopes, expected.slopes) < 5e-7, "derivatives of \(kind)")
  }

  @Test("the lower tail keeps relative accuracy", arguments: [Activation.geluTanh, .geluErf, .silu])
  func tail(kind: Activation) throws {
    let device = try CPUDevice(threads: 1)
    let reference = ReferenceDevice()
    for x in stride(from: Float(-5), through: -0.01, by: 0.01) {
      let input = try device.tensor(1, 1, [x])
      let y = try device.tensor(1, 1)
      device.activation(y, input, kind)
      let exact = try reference.tensor(1, 1, [x])
      reference.activation(exact, exact, kind)
      #expect(relativeDifference(try device.floats(y), try reference.floats(exact)) < 3e-6, "\(kind) at \(x)")
    }
  }

  @Test("activations at the ends: saturation, infinities, NaN", arguments: kinds)
  func extremes(kind: Activation) throws {
    let device = try CPUDevice(threads: 1)
    let input = try device.tensor(1, 6, [-1e6, -200, 200, 1e6, .infinity, .nan])
    let y = try device.tensor(1, 6)
    device.activation(y, input, kind)
    let values = try device.floats(y)
    #expect(values[0...1].allSatisfy { abs($0) < 1e-30 })
    #expect(values[2...4] == [200, 1e6, .infinity])
    #expect(values[5].isNaN)
  }

  @Test("activations and their gradients on any shape", arguments: kinds)
  func activations(kind: Activation) throws {
    for (rows, columns) in [(1, 1), (1, 20_011), (3, 100), (37, 1000), (300, 77)] {
      for gap in [0, 3] {
        try expectConformance("\(kind) \(rows)×\(columns)") { device in
          let x = try device.gappedTensor(rows, columns, gap: gap, seed: 1, in: -6...6)
          let dy = try device.gappedTensor(rows, columns, gap: gap, seed: 2)
          let y = try device.gappedTensor(rows, columns, gap: gap, seed: 3)
          let dx = try device.gappedTensor(rows, columns, gap: 2 * gap, seed: 4)
          device.activation(y, x, kind)
          device.activationBackward(dx, dy: dy, x: x, kind)
          device.activationBackward(dy, dy: dy, x: x, kind)
          return try [device.memory(y), device.memory(dx), device.memory(dy)]
        }
      }
    }
  }

  @Test("gated activations and their gradients", arguments: kinds)
  func gated(kind: Activation) throws {
    for (rows, columns) in [(1, 1), (1, 10_007), (3, 100), (37, 1000), (300, 77)] {
      try expectConformance("\(kind) \(rows)×\(columns)") { device in
        let gateUp = try device.gappedTensor(rows, 2 * columns, gap: 1, seed: 1, in: -6...6)
        let dy = try device.gappedTensor(rows, columns, gap: 2, seed: 2)
        let y = try device.gappedTensor(rows, columns, gap: 3, seed: 3)
        let dGateUp = try device.gappedTensor(rows, 2 * columns, gap: 4, seed: 4)
        device.gated(y, gateUp: gateUp, kind)
        device.gatedBackward(dGateUp, dy: dy, gateUp: gateUp, kind)
        return try [device.memory(y), device.memory(dGateUp)]
      }
    }
  }

  @Test("add, copy and fill")
  func sums() throws {
    for (rows, columns) in [(1, 1), (1, 20_011), (3, 100), (300, 77)] {
      for gap in [0, 3] {
        try expectConformance("\(rows)×\(columns)", tolerance: 1e-7) { device in
          let a = try device.gappedTensor(rows, columns, gap: gap, seed: 1)
          let b = try device.gappedTensor(rows, columns, gap: 2 * gap, seed: 2)
          let y = try device.gappedTensor(rows, columns, gap: gap, seed: 3)
          let z = try device.gappedTensor(rows, columns, gap: gap, seed: 4)
          let w = try device.gappedTensor(rows, columns, gap: gap, seed: 5)
          device.add(y, a, b)
          device.add(a, a, b)
          device.copy(z, b)
          device.fill(w, 0.25)
          return try [device.memory(y), device.memory(a), device.memory(z), device.memory(w)]
        }
      }
    }
  }

  @Test("copies integers as they are")
  func integers() throws {
    let device = try CPUDevice(threads: 2)
    let numbers = randomIntegers(1000, seed: 1, in: -1_000_000..<1_000_000)
    let x = try device.integerTensor(numbers)
    let y = try device.integerTensor([Int32](repeating: 0, count: 1000))
    device.copy(y, x)
    #expect(try device.integers(y) == numbers)
  }
}
