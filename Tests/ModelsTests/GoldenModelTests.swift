import CPUBackend
import ModelChecks
import Programs
import TestSupport
import Testing

/// Logits, gradients and training losses against PyTorch, with the tolerances that goldens/README.md recommends.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct GoldenModelTests {
  @Test(arguments: Golden.all, [1, 2])
  func logits(golden: Golden, threads: Int) throws {
    #expect(try golden.logitsDifference(on: CPUDevice(threads: threads)) < 1e-4)
  }

  /// The same logits when the tokens come one at a time, and in threes, beyond the windows of those that have one.
  @Test(arguments: Golden.all, [1, 3])
  func cachedLogits(golden: Golden, chunk: Int) throws {
    #expect(try golden.cachedLogitsDifference(on: CPUDevice(threads: 1), chunk: chunk) < 1e-4)
  }

  /// Log-probabilities of sequences that share their beginnings with others, in a cache or not.
  @Test(arguments: Golden.all, [false, true])
  func scores(golden: Golden, hasPrefix: Bool) throws {
    let (scores, misses) = try golden.scoresDifference(on: CPUDevice(threads: 2), hasPrefix: hasPrefix)
    #expect(scores < 1e-4)
    #expect(misses == 0)
  }

  @Test(arguments: Golden.all, Recompute.allCases)
  func gradients(golden: Golden, recompute: Recompute) throws {
    let (loss, gradient, tensor) = try golden.gradientsDifference(on: CPUDevice(threads: 2), recompute: recompute)
    #expect(loss < 1e-5)
    #expect(gradient < 1e-4, "\(tensor)")
  }

  @Test(arguments: Golden.all, [Recompute.cheap, .block])
  func recomputingChangesNoBit(golden: Golden, recompute: Recompute) throws {
    let kept = try golden.gradients(on: CPUDevice(threads: 2))
    let recomputed = try golden.gradients(on: CPUDevice(threads: 2), recompute: recompute)
    #expect(recomputed.loss == kept.loss && recomputed.gradients == kept.gradients)
  }

  /// Ten AdamW steps: the loss before and after each, and the gradient norm.
  @Test(arguments: Golden.all)
  func training(golden: Golden) throws {
    let (loss, norm) = try golden.trainingDifference(on: CPUDevice(threads: 2))
    #expect(loss < 5e-5)
    #expect(norm < 5e-5)
  }

  /// All of it when a library multiplies.
  @Test(arguments: Golden.all, BLAS.available.filter { $0 != .plain })
  func libraries(golden: Golden, blas: BLAS) throws {
    #expect(try golden.logitsDifference(on: CPUDevice(threads: 1, blas: blas)) < 1e-4)
    let device = try CPUDevice(threads: 2, blas: blas)
    let (loss, gradient, tensor) = try golden.gradientsDifference(on: device)
    #expect(loss < 1e-5)
    #expect(gradient < 1e-4, "\(tensor)")
    let training = try golden.trainingDifference(on: device)
    #expect(training.loss < 5e-5)
    #expect(training.norm < 5e-5)
  }

  @Test(arguments: BLAS.available, [1, 2])
  func twoRunsAreBitEqual(blas: BLAS, threads: Int) throws {
    for golden in ["gpt2", "llama"].map(Golden.init(name:)) {
      let first = try golden.gradients(on: CPUDevice(threads: threads, blas: blas))
      let second = try golden.gradients(on: CPUDevice(threads: threads, blas: blas))
      #expect(first.loss == second.loss && first.gradients == second.gradients)
    }
  }

  /// In bfloat16 the same, but for its rounding; on a device that computes it in float64.
  @Test(arguments: Golden.all)
  func bfloat16(golden: Golden) throws {
    let device = ReferenceDevice()
    let logits = try golden.logitsDifference(on: device, .bfloat16)
    #expect(logits < 0.8)
    let loss = try golden.trainingDifference(on: device, .bfloat16).loss
    #expect(loss < 0.04)
  }
}
