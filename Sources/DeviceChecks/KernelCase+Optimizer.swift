import Tensors

extension KernelCase {
  static let optimizer = sumOfSquares + [1, 3, 64, 1027, 40_000].flatMap(adamW) + [nonFinite]

  private static let sumOfSquares = [DType.float32, .bfloat16].flatMap { dtype in
    [1, 63, 64, 16_385, 200_003].map { count in
      KernelCase("sumOfSquares", "\(count)", dtype, tolerance: 5e-7) { bench in
        let out = try bench.tensor(1, 1, [0.5], dtype: .float32)
        bench.device.sumOfSquares(out, try bench.random(1, count, seed: 1))
        return [try bench.result(out)]
      }
    }
  }

  private static let spec = AdamWSpec(
    beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, learningRateMultiplier: 0.5)

  /// What one group of parameters consists of.
  private struct Group {
    var parameters: Tensor
    var master: Tensor?
    var gradients: Tensor
    var m: Tensor
    var v: Tensor
    var squaredNorm: Tensor

    init(_ bench: Bench, _ count: Int, parameters type: DType, moments: DType) throws {
      let values = randomFloats(count, seed: 1)
      parameters = try bench.tensor(1, count, values, dtype: type)
      master = type == .bfloat16 ? try bench.tensor(1, count, values, dtype: .float32) : nil
      gradients = try bench.random(1, count, seed: 2, in: -0.1...0.1, dtype: .float32)
      m = try bench.random(1, count, seed: 3, in: -0.1...0.1, dtype: moments)
      v = try bench.random(1, count, seed: 4, in: 0...0.01, dtype: moments)
      squaredNorm = try bench.tensor(1, 1, [0], dtype: .float32)
    }

    func update(_ device: any Device, step: Int, clip: Float) {
      device.scalars.pointee.learningRate = 0.01
      device.scalars.pointee.biasCorrection1 = Float(1 - power(spec.beta1, step))
      device.scalars.pointee.biasCorrection2 = Float(1 - power(spec.beta2, step))
      device.scalars.pointee.clip = clip
      device.scalars.pointee.seed = UInt32(step)
      device.fill(squaredNorm, 0)
      device.sumOfSquares(squaredNorm, gradients)
      device.adamW(
        parameters: parameters, master: master, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm, spec)
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
      (0..<exponent).reduce(1) { product, _ in product * base }
    }
  }

  private static func adamW(_ count: Int) -> [KernelCase] {
    let steps = [(DType.float32, Float(0)), (.float32, 0.05), (.float32, 1000), (.bfloat16, 0.05)].map { dtype, clip in
      KernelCase("adamW", "\(count), three steps, clip \(clip)", dtype, tolerance: 1e-6) { bench in
        let group = try Group(bench, count, parameters: dtype, moments: .float32)
        for step in 1...3 {
          bench.write(randomFloats(count, seed: UInt64(10 + step), in: -0.1...0.1), to: group.gradients)
          group.update(bench.device, step: step, clip: clip)
        }
        // bfloat16 parameters are what the master rounds to, which the tolerance is no measure of: see below.
        return try [group.master ?? group.parameters, group.m, group.v, group.gradients].map(bench.result)
      }
    }
    let rounded = KernelCase("adamW", "\(count), rounded masters", .bfloat16, tolerance: onePlace) { bench in
      let group = try Group(bench, count, parameters: .bfloat16, moments: .float32)
      group.update(bench.device, step: 1, clip: 0)
      return [try bench.result(group.parameters)]
    }
    // Moments may be rounded up where the reference rounds down: one unit in the last place.
    let moments = [DType.float32, .bfloat16].flatMap { type in
      [
        KernelCase("adamW", "\(count), \(type) with bfloat16 moments", .bfloat16, tolerance: onePlace) { bench in
          let group = try Group(bench, count, parameters: type, moments: .bfloat16)
          group.update(bench.device, step: 1, clip: 0.05)
          return try [group.m, group.v, group.gradients].map(bench.result)
        },
        KernelCase("adamW", "\(count), \(type) values with bfloat16 moments", .bfloat16, tolerance: 1e-6) { bench in
          let group = try Group(bench, count, parameters: type, moments: .bfloat16)
          group.update(bench.device, step: 1, clip: 0.05)
          return [try bench.result(group.master ?? group.parameters)]
        },
      ]
    }
    return steps + [rounded] + moments
  }

  /// Nothing but gradients and the flag changes.
  private static let nonFinite = KernelCase("adamW", "a norm that is not finite", .float32, tolerance: 0) { bench in
    let group = try Group(bench, 5000, parameters: .float32, moments: .float32)
    bench.write([.infinity] + randomFloats(4999, seed: 9), to: group.gradients)
    group.update(bench.device, step: 1, clip: 1)
    let results = try [group.parameters, group.m, group.v, group.gradients].map(bench.result)
    return results + [[Float(bench.device.scalars.pointee.nonFinite)]]
  }
}
