import CUDABackend
import CUDAKernels
import Files
import Foundation
import Models
import Tensors
import Testing
import Training

/// An update that the device skips, while the host is ahead of it.
@Suite("Skipped updates on CUDA")
struct SkippedUpdateTests {
  @Test("are noticed before a checkpoint is written, though no step is logged")
  func stop() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/skipped-update-\(UUID().uuidString)"
    defer { do { try FileManager.default.removeItem(atPath: folder) } catch { print("left behind: \(folder)") } }
    try FileTree.makeDirectory(folder + "/data")
    try (0..<400).map { UInt16($0 % 17) }.withUnsafeBytes { bytes in
      try AtomicFile.write(folder + "/data/train.bin") { try $0.write(bytes) }
    }
    let configuration: JSONObject = [
      "model_type": .string("gpt2"), "n_layer": .integer(1), "n_embd": .integer(16), "n_head": .integer(2),
      "n_positions": .integer(8), "vocab_size": .integer(17),
    ]
    var recipe = TrainingRecipe(
      model: .init(configuration: .inline(configuration)), data: .init(train: [.init(paths: [folder + "/data"])]),
      training: .init(duration: .steps(10)), output: .init(directory: folder + "/run"))
    recipe.training.globalBatch = .sequences(2)
    recipe.validation.every = 0
    recipe.output.logEvery = 100

    try emulating({ $0.lazy_streams = true }) {
      let trainer = try Trainer(recipe, device: CUDADevice.emulated()) {
        .fresh(try Model(configuration: configuration, source: "test"), seed: 1)
      }
      let error = #expect(throws: TrainingError.self) {
        try trainer.run { event in
          guard case .step(let report) = event else { return .proceed }
          // The gradients of step 3 are added to this.
          if report.step == 2 {
            try [Float.nan].withUnsafeBufferPointer {
              try trainer.store.write($0, to: .gradients, of: "transformer.wte.weight", at: 0)
            }
          }
          return report.step == 3 ? .stop : .proceed
        }
      }
      guard case .nonFinite(3, "the gradient norm", _, nil, _)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/run/checkpoints/step-00000003"))
  }
}
