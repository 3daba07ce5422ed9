import Files
import Training

/// Shows a training run: what it is, a progress line, and a plain line for each validation, evaluation and checkpoint.
final class TrainDisplay {
  private let progress = ProgressLine()
  private var latest: StepMetrics?
  /// Seconds of a step, smoothed.
  private var stepSeconds = 0.0

  func show(_ event: TrainEvent) {
    switch event {
    case .started(let summary): start(summary)
    case .step(let report): step(report)
    case .validating(let done, let count): progress.update("validation: batch \(done) of \(count)")
    case .validated(let metrics):
      progress.print(
        "step \(metrics.step)  validation loss \(metrics.loss.formatted(4))  perplexity \(metrics.perplexity.formatted(2))"
      )
    case .evaluated(let step, let lines):
      for line in lines {
        let values = line.filter { $0.key != "task" && $0.key != "step" && !$0.key.hasSuffix("_stderr") }
        let text = values.map { "\($0.key) \($0.value.double?.formatted(4) ?? "-")" }.joined(separator: "  ")
        progress.print("step \(step)  \(line["task"]?.string ?? "")  \(text)")
      }
    case .saved(let step, let path): progress.print("step \(step)  saved \(path)")
    }
  }

  private func start(_ summary: TrainSummary) {
    let parameters = summary.parameterCount
    let trained =
      parameters.trainable == parameters.total ? "" : ", \(Format.large(parameters.trainable)) of them trained"
    progress.print("run         \(summary.directory)")
    progress.print("device      \(summary.device), \(summary.precision.compute)")
    progress.print("parameters  \(Format.count(parameters.total)) (\(Format.large(parameters.total))\(trained))")
    progress.print(
      "batch       \(summary.batch.globalBatch) x \(summary.batch.sequenceLength) = "
        + "\(Format.count(summary.batch.tokensPerStep)) tokens, \(summary.batch.microBatch) sequences at once")
    progress.print("steps       \(Format.count(summary.totalSteps))")
    progress.print(
      "memory      \(Format.bytes(summary.memory.total)): "
        + summary.memory.classes.map { "\($0.name) \(Format.bytes($0.bytes))" }.joined(separator: ", "))
    if let resumed = summary.resumed { progress.print("resumed     \(resumed.path)") }
    for change in summary.changes { progress.print("changed     \(change)") }
    for note in summary.notes { progress.print("note: \(note)") }
  }

  private func step(_ report: StepReport) {
    stepSeconds = stepSeconds == 0 ? report.seconds : 0.9 * stepSeconds + 0.1 * report.seconds
    if let metrics = report.metrics { latest = metrics }
    let left = Double(report.totalSteps - report.step) * stepSeconds
    var text = "step \(Format.count(report.step)) of \(Format.count(report.totalSteps))"
    if let latest {
      text += "  loss \(latest.loss.formatted(4))  \(Format.count(Int(latest.tokensPerSecond))) tokens/s"
      if let mfu = latest.mfu { text += "  MFU \((100 * mfu).formatted(1)) %" }
    }
    progress.update(text + "  \(Format.duration(left)) left")
  }

  func end(_ outcome: TrainOutcome) {
    progress.clear()
    if outcome.isFinished {
      progress.print("finished    step \(outcome.step), \(outcome.checkpoint ?? "no checkpoint")")
    } else {
      progress.print("stopped     step \(outcome.step); the same command goes on from here")
    }
  }
}
