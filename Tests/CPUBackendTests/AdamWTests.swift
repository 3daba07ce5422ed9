import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("AdamW")
struct AdamWTests {
  static let spec = AdamWSpec(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, learningRateMultiplier: 0.5)

  /// Parameters, m and v after three steps, and the gradients, which must be zero.
  static func steps(_ device: any Device, count: Int, spec: AdamWSpec, clip: Float) throws -> [[Float]] {
    let parameters = try device.randomTensor(1, count, seed: 1)
    let gradients = try device.tensor(1, count)
    let m = try device.tensor(1, count)
    let v = try device.tensor(1, count)
    let squaredNorm = try device.tensor(1, 1)
    for step in 1...3 {
      device.write(randomFloats(count, seed: UInt64(step + 1), in: -0.1...0.1), to: gradients)
      device.scalars.pointee.learningRate = 0.01
      device.scalars.pointee.biasCorrection1 = Float(1 - pow(0.9, step))
      device.scalars.pointee.biasCorrection2 = Float(1 - pow(0.95, step))
      device.scalars.pointee.clip = clip
      device.fill(squaredNorm, 0)
      device.sumOfSquares(squaredNorm, gradients)
      device.adamW(
        parameters: parameters, master: nil, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm, spec)
    }
    return try [device.floats(parameters), device.floats(m), device.floats(v), device.floats(gradients)]
  }

  static func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }

  @Test("agrees with double precision, clipped or not", arguments: [1, 3, 100, 5000, 70_001])
  func conformance(count: Int) throws {
    for clip in [0, 0.05, 1000] as [Float] {
      try expectConformance("\(count), clip \(clip)") { device in
        try Self.steps(device, count: count, spec: Self.spec, clip: clip)
      }
    }
  }

  /// The order of operations of torch.optim.AdamW, and its constants: 1 − 0.999 is 0.001 there.
  @Test("one step by hand")
  func oneStep() throws {
    let device = try CPUDevice(threads: 1)
    let parameters = try device.tensor(1, 1, [2])
    let gradients = try device.tensor(1, 1, [0.5])
    let m = try device.tensor(1, 1)
    let v = try device.tensor(1, 1)
    let squaredNorm = try device.tensor(1, 1, [0.25])
    device.scalars.pointee.learningRate = 0.1
    device.scalars.pointee.biasCorrection1 = 0.1
    device.scalars.pointee.biasCorrection2 = 0.001
    device.adamW(
      parameters: parameters, master: nil, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm,
      AdamWSpec(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1))
    #expect(try device.floats(m) == [0.05])
    #expect(try device.floats(v) == [0.00025])
    // 2·(1 − 0.1·0.1) − 0.1·0.5/(0.5 + 1e-8)
    #expect(abs(try device.floats(parameters)[0] - 1.88) < 1e-6)
    #expect(try device.floats(gradients) == [0])
    #expect(device.scalars.pointee.nonFinite == 0)
  }

  @Test("a norm that is not finite changes nothing but gradients and the flag", arguments: [Float.nan, .infinity])
  func nonFinite(poison: Float) throws {
    let device = try CPUDevice(threads: 2)
    let parameters = try device.randomTensor(1, 10_000, seed: 1)
    let gradients = try device.randomTensor(1, 10_000, seed: 2)
    let m = try device.randomTensor(1, 10_000, seed: 3)
    let v = try device.randomTensor(1, 10_000, seed: 4, in: 0...1)
    gradients.address.floats[5000] = poison
    device.scalars.pointee.learningRate = 1
    let before = try device.floats(parameters) + device.floats(m) + device.floats(v)
    let squaredNorm = try device.tensor(1, 1)
    device.sumOfSquares(squaredNorm, gradients)
    device.adamW(
      parameters: parameters, master: nil, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm, Self.spec)
    #expect(try device.floats(parameters) + device.floats(m) + device.floats(v) == before)
    #expect(try device.floats(gradients).allSatisfy { $0 == 0 })
    #expect(device.scalars.pointee.nonFinite == 1)
  }

  @Test("the sum of squares is exact to float32, added, and independent of the threads")
  func sumOfSquares() throws {
    for count in [1, 63, 64, 16_384, 16_385, 200_003] {
      let sums = try [1, 2, 3, 7].map { threads in
        let device = try CPUDevice(threads: threads)
        let out = try device.tensor(1, 1, [0.5])
        device.sumOfSquares(out, try device.randomTensor(1, count, seed: 1))
        return try [device.floats(out)]
      }
      #expect(sums.allSatisfy { $0 == sums[0] }, "\(count): \(sums)")
      try expectConformance("\(count)", tolerance: 2e-7) { device in
        let out = try device.tensor(1, 1, [0.5])
        device.sumOfSquares(out, try device.randomTensor(1, count, seed: 1))
        return try [device.floats(out)]
      }
    }
  }

  @Test("updates do not depend on the number of threads")
  func threads() throws {
    let results = try [1, 2, 3].map {
      try Self.steps(try CPUDevice(threads: $0), count: 50_001, spec: Self.spec, clip: 0.1)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
