import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct AccumulationTests {
  @Test(arguments: TestDevice.allCases)
  func gradientsAddOverMicroBatches(device: TestDevice) throws {
    let fixture = try Fixture(device.make(), TestModel.gpt2(blocks: 2))
    let batches: [(tokens: [Int32], targets: [Int32])] = [
      ([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]), ([5, 5, 1, 0, 2, 6], [-100, 0, 0, 3, 6, 1]),
    ]
    var sums: [String: [Float]] = [:]
    for batch in batches {
      try fixture.write(tokens: batch.tokens, targets: batch.targets)
      sums.merge(try fixture.gradients()) { zip($0, $1).map(+) }
    }
    fixture.zeroGradients()
    for batch in batches {
      try fixture.write(tokens: batch.tokens, targets: batch.targets)
      try fixture.program.run()
    }
    for (name, gradient) in try fixture.currentGradients() {
      #expect(relativeDifference(gradient, try #require(sums[name])) < 1e-5, "\(name)")
    }
  }

  @Test(arguments: TestDevice.allCases)
  func lossScaleIsAFactorOnEveryGradient(device: TestDevice) throws {
    let fixture = try Fixture(device.make(), TestModel.llama(blocks: 1))
    fixture.device.scalars.pointee.lossScale = 1
    let plain = try fixture.gradients()
    fixture.device.scalars.pointee.lossScale = 0.125
    for (name, gradient) in try fixture.gradients() {
      let expected = try #require(plain[name]).map { $0 * 0.125 }
      #expect(relativeDifference(gradient, expected) < 1e-6, "\(name)")
    }
  }
}
