import Files
import Foundation
import Models
import Tensors
import Training

/// A run that is stopped and goes on is the run that was not, bit for bit.
struct ResumePart {
  let device: any Device
  let directory: String
  /// Of a batch: large ones are where sums in no fixed order show.
  let sequences: Int
  let length: Int

  private static let steps = 6

  func run(_ report: Report) throws {
    try MadeUpTokens.write(to: directory + "/resume-data", count: 200_000, vocabulary: 512)
    let whole = try train("whole", stoppingAt: nil)
    _ = try train("stopped", stoppingAt: 3)
    let resumed = try train("stopped", stoppingAt: nil)
    for file in ["model.safetensors", "training/optimizer.safetensors"] {
      let same = try bytes(whole + "/" + file) == bytes(resumed + "/" + file)
      report.expect(same, "\(file) after \(Self.steps) steps, stopped and resumed after 3")
    }
  }

  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  /// - Returns: the last checkpoint.
  private func train(_ name: String, stoppingAt last: Int?) throws -> String {
    var recipe = TrainingRecipe(
      model: .init(configuration: .inline(SmallModel.llama)),
      data: .init(train: [.init(paths: [directory + "/resume-data"])]), training: .init(duration: .steps(Self.steps)),
      output: .init(directory: directory + "/" + name))
    recipe.data.sequenceLength = length
    recipe.training.globalBatch = .sequences(2 * sequences)
    recipe.training.microBatchSize = sequences
    recipe.schedule.warmupSteps = 2
    recipe.validation.every = 0
    let trainer = try Trainer(recipe, device: device) {
      .fresh(try Model(configuration: SmallModel.llama, source: "device-check"), seed: 7)
    }
    let outcome = try trainer.run { event in
      if case .step(let step) = event, step.step == last { return .stop }
      return .proceed
    }
    return outcome.checkpoint ?? ""
  }
}
