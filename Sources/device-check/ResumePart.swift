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
    for moments in [TrainingRecipe.OptimizerSection.Moments.float32, .bfloat16]
    where moments == .float32 || device.info.dtypes.contains(.bfloat16) {
      try run(moments, report)
    }
  }

  private func run(_ moments: TrainingRecipe.OptimizerSection.Moments, _ report: Report) throws {
    let whole = try train("whole-\(moments)", moments, .never, stoppingAt: nil)
    let stopped = try train("stopped-\(moments)", moments, .never, stoppingAt: 3)
    guard stopped.hasSuffix("step-00000003") else { return report.expect(false, "stopped after 3 steps: \(stopped)") }
    let resumed = try train("stopped-\(moments)", moments, .require, stoppingAt: nil)
    for file in ["model.safetensors", "training/optimizer.safetensors"] {
      let same = try bytes(whole + "/" + file) == bytes(resumed + "/" + file)
      report.expect(same, "\(file) after \(Self.steps) steps, stopped and resumed after 3, moments in \(moments)")
    }
  }

  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  /// - Returns: the last checkpoint.
  private func train(
    _ name: String, _ moments: TrainingRecipe.OptimizerSection.Moments, _ resume: Trainer.Resume, stoppingAt last: Int?
  ) throws -> String {
    var recipe = TrainingRecipe(
      model: .init(configuration: .inline(SmallModel.llama)),
      data: .init(train: [.init(paths: [directory + "/resume-data"])]), training: .init(duration: .steps(Self.steps)),
      output: .init(directory: directory + "/" + name))
    recipe.data.sequenceLength = length
    recipe.training.globalBatch = .sequences(2 * sequences)
    recipe.training.microBatchSize = sequences
    recipe.schedule.warmupSteps = 2
    recipe.validation.every = 0
    recipe.optimizer.moments = moments
    var options = Trainer.Options()
    options.resume = resume
    let trainer = try Trainer(recipe, device: device, options: options) {
      .fresh(try Model(configuration: SmallModel.llama, source: "device-check"), seed: 7)
    }
    let outcome = try trainer.run { event in
      if case .step(let step) = event, step.step == last { return .stop }
      return .proceed
    }
    return outcome.checkpoint ?? ""
  }
}
