import CUDABackend
import ModelChecks
import Programs
import TestSupport
import Testing

/// Whole models through the CUDA backend, on the emulated device: the limits of the CPU (Tests/ModelsTests), and in
/// bfloat16 what PyTorch's own bfloat16 is off by.
@Suite("Models on CUDA", .enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct GoldenTests {
  static let models = Golden.names.map { Golden($0, in: Shared.path("goldens/models")) }

  @Test(arguments: models)
  func float32(golden: Golden) throws {
    let device = try CUDADevice.emulated()
    let logits = try golden.logitsDifference(on: device)
    let cached = try golden.cachedLogitsDifference(on: device)
    #expect(logits < 1e-4 && cached < 1e-4)
    for hasPrefix in [false, true] {
      let (scores, misses) = try golden.scoresDifference(on: device, hasPrefix: hasPrefix)
      #expect(scores < 1e-4 && misses == 0)
    }
    let training = try golden.trainingDifference(on: device)
    #expect(training.loss < 5e-5 && training.norm < 5e-5)
  }

  @Test(arguments: models, Recompute.allCases)
  func gradients(golden: Golden, recompute: Recompute) throws {
    let (loss, gradient, tensor) = try golden.gradientsDifference(on: CUDADevice.emulated(), recompute: recompute)
    #expect(loss < 1e-5)
    #expect(gradient < 1e-4, "\(tensor)")
  }

  @Test(arguments: models)
  func bfloat16(golden: Golden) throws {
    let device = try CUDADevice.emulated()
    let logits = try golden.logitsDifference(on: device, .bfloat16)
    let cached = try golden.cachedLogitsDifference(on: device, .bfloat16)
    #expect(logits < 0.8 && cached < 0.8)
    let training = try golden.trainingDifference(on: device, .bfloat16)
    #expect(training.loss < 0.04)
  }
}
