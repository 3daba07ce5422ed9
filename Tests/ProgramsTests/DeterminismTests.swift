import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct DeterminismTests {
  /// Losses of each step of a short training run.
  private func train(_ device: any Device, seed: UInt64, steps: Int = 5) throws -> [[Float]] {
    let fixture = try Fixture(device, rows: 24, seed: seed, TestModel.llama(blocks: 2))
    let optimizer = try OptimizerProgram(store: fixture.store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    device.scalars.pointee.learningRate = 0.01
    device.scalars.pointee.lossScale = 1 / 24
    return try (0..<steps).map { _ in
      try fixture.program.run()
      try optimizer.run()
      return try fixture.losses()
    }
  }

  @Test(arguments: TestDevice.allCases)
  func sameSeedGivesTheSameLosses(device: TestDevice) throws {
    let first = try train(device.make(), seed: 1)
    #expect(try train(device.make(), seed: 1) == first)
    #expect(try train(device.make(), seed: 2) != first)
    #expect(Set(first).count == first.count)
  }

  @Test(arguments: TestDevice.allCases)
  func trainingReducesTheLoss(device: TestDevice) throws {
    let losses = try train(device.make(), seed: 1, steps: 40).map { $0.reduce(0, +) }
    let first = try #require(losses.first)
    let last = try #require(losses.last)
    #expect(last < 0.7 * first)
  }

  /// Nothing a program reads was left there by an earlier run or another program.
  @Test(arguments: TestDevice.allCases)
  func resultsDoNotDependOnWhatLayInTheArena(device: TestDevice) throws {
    for body in [TestModel.gpt2(blocks: 2), TestModel.llama(blocks: 2), TestModel.parallelResidual(blocks: 2)] {
      let fixture = try Fixture(device.make(), body)
      let clean = try fixture.gradients()
      fixture.poisonArena()
      #expect(try fixture.gradients() == clean)
    }
  }
}
