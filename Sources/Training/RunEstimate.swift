import Datasets
import Models
import Programs
import Tensors

/// What a run will need and cost, known without its weights, and without its data unless it is counted in epochs.
public struct RunEstimate: Sendable {
  public let batch: BatchShape
  /// All parameters, and those that are trained.
  public let parameterCount: (total: Int, trainable: Int)
  /// On the device; on the CPU that of the whole process.
  public let memory: MemoryReport
  /// On the disk: the weights in float32 and, of what is trained, two moments.
  public let checkpointBytes: Int
  /// Floating-point operations for a token, forward and backward, as MFU counts them.
  public let operationsPerToken: Double
  /// The same with what `training.recompute` computes again, and heads padded: what the device has to do.
  public let executedOperationsPerToken: Double
  /// nil for a run in epochs whose data are not known.
  public let totalSteps: Int?

  public var totalTokens: Int? { totalSteps.map { $0 * batch.tokensPerStep } }

  /// - Parameters:
  ///   - model: the architecture that is trained, layers already selected.
  ///   - device: where the run would be; its kind decides `training.precision: auto`.
  ///   - tokensPerEpoch: see `TrainingRecipe.dataSummary`; nil when the data are not there.
  /// - Throws: `TrainingError`, `GraphError`.
  public init(_ recipe: TrainingRecipe, model: Model, device: DeviceInfo, tokensPerEpoch: Int?) throws {
    let precision = recipe.precision(on: device)
    batch = try BatchShape(recipe, sequenceLength: recipe.sequenceLength(of: model))
    let groups = try OptimizerGroups(recipe.optimizer, model: model)
    let (rows, length) = (batch.microBatch, batch.sequenceLength)
    func plan(_ precision: Precision, _ recompute: Recompute) throws -> TrainingPlan {
      try TrainingPlan(
        model, rows: rows, length: length, precision: precision, recompute: recompute,
        masksDocuments: recipe.data.documentMasking == .attention, group: groups.group)
    }
    let executed = try plan(precision, recipe.recompute(on: device))
    memory =
      recipe.isForAccelerator(device)
      ? executed.memory : executed.memory.withProcess(ProcessMemory.expected(on: device))
    executedOperationsPerToken = executed.floatingPointOperationsPerToken
    operationsPerToken = try plan(.float32, .none).floatingPointOperationsPerToken
    let trainable = model.parameters.reduce(0) { $0 + (groups.group(of: $1).isFrozen ? 0 : $1.count) }
    parameterCount = (model.parameterCount, trainable)
    checkpointBytes = 4 * model.parameterCount + 2 * precision.moments.size * trainable
    if case .epochs = recipe.training.duration, tokensPerEpoch == nil {
      totalSteps = nil
    } else {
      totalSteps = try recipe.training.duration.steps(batch: batch, tokensPerEpoch: tokensPerEpoch ?? 0)
    }
    // Warm-up and decay must fit into the run.
    if let totalSteps { _ = try LearningRateSchedule(recipe.schedule, totalSteps: totalSteps) }
  }

  /// The time of all steps on a device that does so many floating-point operations in a second, in practice.
  public func seconds(operationsPerSecond: Double) -> Double? {
    totalTokens.map { Double($0) * executedOperationsPerToken / operationsPerSecond }
  }
}

extension TrainingRecipe {
  /// Whether an accelerator is to compute it: this one, or some other because this device cannot compute in the
  /// recipe's precision.
  func isForAccelerator(_ device: DeviceInfo) -> Bool {
    device.isAccelerator || !device.dtypes.contains(precision(on: device).compute)
  }

  /// What is computed again where the recipe does not say.
  func recompute(on device: DeviceInfo) -> Recompute {
    training.recompute ?? (isForAccelerator(device) ? .none : .cheap)
  }

  /// How numbers are kept on a device of this kind.
  func precision(on device: DeviceInfo) -> Precision {
    training.precision.precision(on: device, moments: optimizer.moments == .bfloat16 ? .bfloat16 : .float32)
  }

  /// The sequence length for a model: the recipe's, or the model's context length.
  /// - Throws: `TrainingError.invalidSetting` when it is longer than the context.
  func sequenceLength(of model: Model) throws(TrainingError) -> Int {
    guard let length = data.sequenceLength else { return model.contextLength }
    guard length <= model.contextLength else {
      throw .invalidSetting(
        location: nil, key: "data.sequence_length", found: "\(length)",
        expected: "the model's context length, \(model.contextLength), at most")
    }
    return length
  }
}
