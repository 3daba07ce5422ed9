import Foundation
import Tensors
import TestSupport
import Testing

@testable import Programs

/// `OptimizerProgram` against AdamW as PyTorch writes it (torch/optim/adam.py, `_single_tensor_adam` with decoupled
/// weight decay, after `clip_grad_norm_`), in Double.
@Suite struct OptimizerTests {
  static let beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8

  /// Three groups, of sizes that fill no vector.
  static let parameters = [
    Parameter(name: "w", rows: 13, columns: 17, role: .linear, initial: .zeros),
    Parameter(name: "b", rows: 1, columns: 31, role: .bias, initial: .zeros),
    Parameter(name: "e", rows: 5, columns: 7, role: .embedding, initial: .zeros),
    Parameter(name: "w2", rows: 3, columns: 3, role: .linear, initial: .zeros),
  ]

  static func group(_ parameter: Parameter) -> ParameterGroup {
    switch parameter.role {
    case .linear: ParameterGroup(weightDecay: 0.1)
    case .embedding: ParameterGroup(weightDecay: 0.1, learningRateMultiplier: 0.25)
    case .norm, .bias: ParameterGroup()
    }
  }

  private func makeStore(_ device: any Device) throws -> ParameterStore {
    let store = try ParameterStore(device: device, parameters: Self.parameters, group: Self.group)
    for (index, parameter) in Self.parameters.enumerated() {
      let weight = try #require(store.weight(parameter.name))
      device.write(randomFloats(parameter.count, seed: UInt64(index)), to: weight)
    }
    return store
  }

  private func gradient(of parameter: Parameter, step: Int) -> [Float] {
    randomFloats(parameter.count, seed: UInt64(100 * step + parameter.count))
  }

  private func setScalars(_ device: any Device, step: Int, clip: Float) {
    device.scalars.pointee.learningRate = 0.01 * Float(step)
    device.scalars.pointee.biasCorrection1 = Float(1 - pow(Self.beta1, Double(step)))
    device.scalars.pointee.biasCorrection2 = Float(1 - pow(Self.beta2, Double(step)))
    device.scalars.pointee.clip = clip
  }

  private func makeProgram(_ store: ParameterStore) throws -> OptimizerProgram {
    try OptimizerProgram(
      store: store, beta1: Self.beta1, beta2: Self.beta2, epsilon: Float(Self.epsilon))
  }

  @Test(arguments: TestDevice.allCases, [0, 0.5, 1000] as [Float])
  func agreesWithPyTorch(device: TestDevice, clip: Float) throws {
    let device = try device.make()
    let store = try makeStore(device)
    let optimizer = try makeProgram(store)
    var expected: [String: AdamWReference] = [:]
    for parameter in Self.parameters {
      expected[parameter.name] = AdamWReference(try device.floats(try #require(store.weight(parameter.name))))
    }

    for step in 1...10 {
      setScalars(device, step: step, clip: clip)
      let gradients = Self.parameters.map { gradient(of: $0, step: step) }
      for (parameter, gradient) in zip(Self.parameters, gradients) {
        device.write(gradient, to: try #require(store.gradient(parameter.name)))
      }
      try optimizer.run()

      let norm = gradients.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(Double(try optimizer.gradientNorm()) - norm) < 1e-6 * norm)
      let factor = clip > 0 ? min(1, Double(clip) / (norm + 1e-6)) : 1
      for (parameter, gradient) in zip(Self.parameters, gradients) {
        let group = Self.group(parameter)
        let rate = 0.01 * Double(step) * Double(group.learningRateMultiplier)
        expected[parameter.name]?.update(
          by: gradient.map { Double($0) * factor }, step: step, rate: rate, decay: Double(group.weightDecay))
      }
    }

    for parameter in Self.parameters {
      let reference = try #require(expected[parameter.name])
      let weight = try device.floats(try #require(store.weight(parameter.name)))
      #expect(maximumDifference(weight, reference.parameter.map(Float.init)) < 2e-6, "\(parameter.name)")
      for (part, moments) in [(ParameterStore.Part.m, reference.m), (.v, reference.v)] {
        let found = try store.read(0..<parameter.count, from: part, of: parameter.name)
        #expect(relativeDifference(found, moments.map(Float.init)) < 1e-5)
      }
      let gradient = try device.floats(try #require(store.gradient(parameter.name)))
      #expect(gradient.allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: TestDevice.allCases, [Float.nan, .infinity])
  func skipsAnUpdateThatIsNotFinite(device: TestDevice, value: Float) throws {
    let device = try device.make()
    let store = try makeStore(device)
    let optimizer = try makeProgram(store)
    func state() throws -> [[Float]] {
      try store.groups.flatMap { group in
        let state = try #require(group.state)
        return try [group.parameters, state.m, state.v].map { try device.floats($0) }
      }
    }
    func writeGradients() throws {
      for parameter in Self.parameters {
        device.write(gradient(of: parameter, step: 1), to: try #require(store.gradient(parameter.name)))
      }
    }
    setScalars(device, step: 1, clip: 1)
    try writeGradients()
    try optimizer.run()
    let before = try state()
    #expect(device.scalars.pointee.nonFinite == 0)

    // One bad gradient, in the last group, stops the update of all.
    try writeGradients()
    device.write([value] + [Float](repeating: 1, count: 34), to: try #require(store.gradient("e")))
    try optimizer.run()
    try device.synchronize()
    #expect(device.scalars.pointee.nonFinite == 1)
    #expect(try state() == before)
    #expect(try store.groups.allSatisfy { try device.floats(try #require($0.state).gradients).allSatisfy { $0 == 0 } })
    #expect(try !optimizer.gradientNorm().isFinite)

    // The next one goes on as if nothing had been.
    device.scalars.pointee.nonFinite = 0
    try writeGradients()
    try optimizer.run()
    #expect(device.scalars.pointee.nonFinite == 0)
    #expect(try state() != before)
    #expect(try state().joined().allSatisfy(\.isFinite))
  }

  @Test(arguments: TestDevice.allCases)
  func paddingStaysZero(device: TestDevice) throws {
    let device = try device.make()
    let store = try makeStore(device)
    let optimizer = try makeProgram(store)
    for step in 1...3 {
      setScalars(device, step: step, clip: 0)
      for parameter in Self.parameters {
        device.write(gradient(of: parameter, step: step), to: try #require(store.gradient(parameter.name)))
      }
      try optimizer.run()
    }
    for group in store.groups {
      let elements = try device.floats(group.parameters)
      let used = Self.parameters.filter { Self.group($0) == group.group }.reduce(0) { $0 + $1.count }
      #expect(elements.count { $0 != 0 } == used)
      #expect(elements.count % 16 == 0)
    }
  }
}

/// A parameter under AdamW.
private struct AdamWReference {
  var parameter: [Double]
  var m: [Double]
  var v: [Double]

  init(_ parameter: [Float]) {
    self.parameter = parameter.map(Double.init)
    m = [Double](repeating: 0, count: parameter.count)
    v = m
  }

  mutating func update(by gradient: [Double], step: Int, rate: Double, decay: Double) {
    for i in gradient.indices {
      parameter[i] *= 1 - rate * decay
      m[i] = OptimizerTests.beta1 * m[i] + (1 - OptimizerTests.beta1) * gradient[i]
      v[i] = OptimizerTests.beta2 * v[i] + (1 - OptimizerTests.beta2) * gradient[i] * gradient[i]
      let correction1 = 1 - pow(OptimizerTests.beta1, Double(step))
      let correction2 = 1 - pow(OptimizerTests.beta2, Double(step))
      let denominator = v[i].squareRoot() / correction2.squareRoot() + OptimizerTests.epsilon
      parameter[i] -= rate / correction1 * m[i] / denominator
    }
  }
}
