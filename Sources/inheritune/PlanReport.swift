import Files
import Models
import Programs
import Tensors
import Training

/// What `plan` and `train --dry-run` print.
struct PlanReport {
  let recipe: TrainingRecipe
  let model: Model
  /// nil when the data are not here yet.
  let data: DataSummary?
  let estimate: RunEstimate
  /// Measured on this machine's device, in matrix products of the model's own shapes.
  let device: String
  let operationsPerSecond: Double

  init(_ recipe: TrainingRecipe, device: any Device) throws {
    self.recipe = recipe
    model = try recipe.plannedModel()
    data = try recipe.dataSummary(model: model)
    estimate = try RunEstimate(recipe, model: model, device: device.info, tokensPerEpoch: data?.tokensPerEpoch)
    self.device = device.info.name
    // A run for a GPU may be planned where there is none.
    let compute = recipe.training.precision.precision(on: device.info).compute
    operationsPerSecond = try Calibration.operationsPerSecond(
      of: device, device.info.dtypes.contains(compute) ? compute : .float32, width: model.width)
  }

  private var times: [(name: String, seconds: Double)] {
    var times: [(name: String, seconds: Double)] = []
    if let seconds = estimate.seconds(operationsPerSecond: operationsPerSecond) {
      times.append(("here, \(device)", seconds))
    }
    for accelerator in Accelerator.known {
      let rate = accelerator.peakOperationsPerSecond * Accelerator.assumedUtilization
      guard let seconds = estimate.seconds(operationsPerSecond: rate) else { continue }
      times.append((accelerator.name, seconds))
    }
    return times
  }

  var text: String {
    let batch = estimate.batch
    var lines = [
      "model       \(model.modelType), \(Format.count(model.layerCount, "block")), width \(model.width), vocabulary "
        + "\(Format.count(model.vocabularySize)), context \(Format.count(model.contextLength))",
      "parameters  \(Format.count(estimate.parameterCount.total)) (\(Format.large(estimate.parameterCount.total)))"
        + (estimate.parameterCount.trainable == estimate.parameterCount.total
          ? "" : ", \(Format.large(estimate.parameterCount.trainable)) trained"),
      "batch       \(batch.globalBatch) sequences of \(batch.sequenceLength) = \(Format.count(batch.tokensPerStep)) tokens, "
        + "\(batch.microBatch) at once",
    ]
    if let steps = estimate.totalSteps, let tokens = estimate.totalTokens {
      lines.append("run         \(Format.count(steps)) steps, \(Format.large(tokens)) tokens")
    } else {
      lines.append("run         epochs over data that are not here yet")
    }
    if data == nil {
      lines.append("data        not here yet: \(recipe.data.train.flatMap(\.paths).joined(separator: ", "))")
    }
    lines.append("compute     \((estimate.operationsPerToken / 1e9).formatted(3)) GFLOP a token, forward and backward")
    if let data {
      lines.append("")
      lines.append(table(data))
    }
    lines.append("")
    lines.append(
      Format.table(
        [["memory", "bytes", ""]]
          + (estimate.memory.classes + [("total", estimate.memory.total)]).map {
            [$0.name, Format.count($0.bytes), Format.bytes($0.bytes)]
          }))
    lines.append("checkpoint  \(Format.bytes(estimate.checkpointBytes)) on the disk")
    if !times.isEmpty {
      lines.append("")
      lines.append(
        "time, here at the speed of matrix products, elsewhere at \(Int(100 * Accelerator.assumedUtilization)) % of the "
          + "bfloat16 peak")
      lines.append(Format.table(times.map { ["  " + $0.name, Format.duration($0.seconds)] }))
    }
    return lines.joined(separator: "\n")
  }

  /// Passes over a source are those of the whole run, on average.
  private func table(_ data: DataSummary) -> String {
    let rows = data.sources.map { source in
      [
        source.name, Format.count(source.files), Format.count(source.tokens), "\((100 * source.share).formatted(2)) %",
        passes(source).map { $0.formatted(2) } ?? "",
      ]
    }
    return Format.table([["data", "files", "tokens", "share", "passes"]] + rows)
  }

  private func passes(_ source: DataSummary.Source) -> Double? {
    estimate.totalTokens.map { source.share * Double($0) / Double(source.tokens) }
  }

  var json: JSONObject {
    var memory = JSONObject()
    for (name, bytes) in estimate.memory.classes { memory[name] = .integer(Int64(bytes)) }
    memory["total"] = .integer(Int64(estimate.memory.total))
    return [
      "model_type": .string(model.modelType), "layers": .integer(Int64(model.layerCount)),
      "parameters": .integer(Int64(estimate.parameterCount.total)),
      "parameters_trained": .integer(Int64(estimate.parameterCount.trainable)),
      "micro_batch_size": .integer(Int64(estimate.batch.microBatch)),
      "global_batch_size": .integer(Int64(estimate.batch.globalBatch)),
      "sequence_length": .integer(Int64(estimate.batch.sequenceLength)),
      "steps": estimate.totalSteps.map { .integer(Int64($0)) } ?? .null,
      "tokens": estimate.totalTokens.map { .integer(Int64($0)) } ?? .null,
      "data": data.map { data in
        .array(
          data.sources.map { source in
            .object([
              "name": .string(source.name), "files": .integer(Int64(source.files)),
              "tokens": .integer(Int64(source.tokens)), "share": .number(source.share),
              "passes": passes(source).map { .number($0) } ?? .null,
            ])
          })
      } ?? .null,
      "flops_per_token": .number(estimate.operationsPerToken), "memory": .object(memory),
      "checkpoint_bytes": .integer(Int64(estimate.checkpointBytes)),
      "device": .string(device), "device_flops": .number(operationsPerSecond),
      "seconds": .array(times.map { .object(["device": .string($0.name), "seconds": .number($0.seconds)]) }),
    ]
  }
}
