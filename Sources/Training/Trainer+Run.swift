import Datasets
import Foundation
import Models
import Profiling
import Tensors

extension Trainer {
  /// Trains to the last step of the recipe, or until `report` answers `.stop`.
  ///
  /// After every step, in this order: the metrics line, the checkpoint, the validation, the evaluation, where they are
  /// due. A checkpoint of the last step is always left.
  /// - Parameter report: is told each event; the strongest answer since the last step counts.
  /// - Throws: `TrainingError`, and the errors of devices, files and the evaluation hook. The newest checkpoint is good
  ///   then.
  public func run(_ report: @escaping (TrainEvent) throws -> TrainDisposition) throws -> TrainOutcome {
    var session = Session(report: report)
    device.scalars.pointee.nonFinite = 0
    try tidy()
    try tryOut()
    try session.tell(.started(summary))
    try catchUp(&session)
    while step < schedule.totalSteps, session.disposition < .stop {
      session.disposition = .proceed
      let (time, metrics) = try profiling { try measuredStep(&session) }
      try session.tell(
        .step(
          StepReport(
            step: step, totalSteps: schedule.totalSteps, tokens: tokens, seconds: time, metrics: metrics)))
      if step % recipe.checkpoints.every == 0 || step == schedule.totalSteps || session.disposition == .save {
        try save(&session)
      }
      if session.disposition < .stop, isDue(recipe.validation.every) { try validate(&session) }
      if session.disposition < .stop, isEvaluationDue { try evaluate(&session) }
      if session.disposition == .save { try save(&session) }
    }
    if session.disposition == .stop, step > 0 { try save(&session) }
    let profile = options.profiler?.profile
    if let profile { try profile.write(to: directory.profilePath) }
    return TrainOutcome(
      isFinished: step >= schedule.totalSteps, step: step, checkpoint: lastCheckpoint, profile: profile)
  }

  /// What lives from step to step within one call of `run`.
  struct Session {
    let report: (TrainEvent) throws -> TrainDisposition
    var disposition = TrainDisposition.proceed
    /// Of the steps since the last logged one: summed losses of the newest step, time and tokens of all, those included
    /// whose targets are masked.
    var lossSum = 0.0
    var trainingSeconds = 0.0
    var trainingTokens = 0
    /// Targets that the loss of the newest step counts.
    var targetCount = 0

    mutating func tell(_ event: TrainEvent) throws { disposition = max(disposition, try report(event)) }
  }

  // MARK: Steps

  /// One step with the metrics that are due after it.
  private func measuredStep(_ session: inout Session) throws -> (seconds: Double, metrics: StepMetrics?) {
    let time = try trainStep(&session)
    session.trainingSeconds += time
    guard isLogged(step) else { return (time, nil) }
    return (time, try profiling(.metrics) { try readMetrics(&session) })
  }

  /// Runs a step, or what the host does in it, and counts its time where a profile is made.
  private func profiling<Result>(
    _ work: StepProfiler.HostWork? = nil, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let profiler = options.profiler else { return try body() }
    guard let work else { return try profiler.step(body) }
    return try profiler.host(work, body)
  }

  /// One step: the gradients of all micro-batches, and the update.
  /// - Returns: the time that it took.
  private func trainStep(_ session: inout Session) throws -> Double {
    let start = ContinuousClock.now
    let rows = try profiling(.batch) { try data.batches.next() }
    step += 1
    setScalars(targetCount: rows.targetCount)
    session.lossSum = 0
    session.targetCount = rows.targetCount
    for index in 0..<batch.accumulation {
      let part = rows.rows.dropFirst(index * batch.microBatch, length: batch.sequenceLength)
      profiling(.upload) { upload(part, to: program.tokens, program.targets, program.documentStarts) }
      try program.run()
      if isLogged(step) {
        session.lossSum += try profiling(.metrics) { try program.readLosses().reduce(0) { $0 + Double($1) } }
      }
    }
    try optimizer.run()
    // So that the time is that of the work.
    if isLogged(step) { try device.synchronize() }
    tokens += batch.tokensPerStep
    session.trainingTokens += batch.tokensPerStep
    // A flag in memory: looking at it does not wait for the device, which may not have come to the update yet.
    if device.scalars.pointee.nonFinite != 0 { throw try explainNonFinite() }
    return (ContinuousClock.now - start).seconds
  }

  private func setScalars(targetCount: Int) {
    let scalars = device.scalars
    scalars.pointee.learningRate = Float(schedule.learningRate(at: step))
    // In Double, as PyTorch has it: 1 − β^t loses digits in Float for small t.
    scalars.pointee.biasCorrection1 = Float(1 - pow(recipe.optimizer.beta1, Double(step)))
    scalars.pointee.biasCorrection2 = Float(1 - pow(recipe.optimizer.beta2, Double(step)))
    // The mean over the targets of all micro-batches that count, as of one batch with PyTorch's ignore_index.
    scalars.pointee.lossScale = 1 / Float(max(1, targetCount))
    scalars.pointee.seed = UInt32(truncatingIfNeeded: SplitMix64.value(seed: recipe.training.seed, at: UInt64(step)))
    scalars.pointee.clip = Float(recipe.training.gradientClipping)
  }

  /// Copies the rows of a micro-batch to a program's inputs.
  func upload(_ rows: BatchRows, to tokens: Tensor, _ targets: Tensor, _ documentStarts: Tensor?) {
    let count = batch.microBatch * batch.sequenceLength
    func upload(_ values: UnsafeMutablePointer<Int32>, to tensor: Tensor) {
      device.upload(UnsafeRawBufferPointer(UnsafeBufferPointer(start: values, count: count)), to: tensor)
    }
    upload(rows.tokens, to: tokens)
    upload(rows.targets, to: targets)
    if let documentStarts, let starts = rows.documentStarts { upload(starts, to: documentStarts) }
  }

  private func isLogged(_ step: Int) -> Bool {
    step % recipe.output.logEvery == 0 || step == 1 || step == schedule.totalSteps
  }

  /// Waits for the device, and writes the metrics line of this step.
  private func readMetrics(_ session: inout Session) throws -> StepMetrics {
    let norm = Double(try optimizer.gradientNorm())
    let loss = session.lossSum / Double(max(1, session.targetCount))
    guard loss.isFinite else { throw nonFinite("the loss", loss) }
    guard norm.isFinite else { throw nonFinite("the gradient norm", norm) }
    let rate = Double(session.trainingTokens) / session.trainingSeconds
    let metrics = StepMetrics(
      step: step, tokens: tokens, loss: loss, learningRate: schedule.learningRate(at: step), gradientNorm: norm,
      tokensPerSecond: rate, mfu: options.peakOperationsPerSecond.map { rate * operationsPerToken / $0 },
      seconds: seconds)
    session.trainingSeconds = 0
    session.trainingTokens = 0
    try self.metrics.append(metrics.line)
    return metrics
  }

  /// The update of this step was skipped by the device: the gradients are no numbers. Says whether the loss is one.
  private func explainNonFinite() throws -> TrainingError {
    let loss = try program.readLosses().reduce(0) { $0 + Double($1) }
    if !loss.isFinite { return nonFinite("the loss", loss) }
    // Where the device is ahead of the host, this may be the norm of a later step.
    let norm = Double(try optimizer.gradientNorm())
    return nonFinite("the gradient norm", norm.isFinite ? .nan : norm)
  }

  /// Waits for the steps that were launched, before something that is about their result: their time counts as theirs,
  /// and an update that was skipped does not go unnoticed.
  func settle(_ session: inout Session) throws {
    let start = ContinuousClock.now
    try device.synchronize()
    session.trainingSeconds += (ContinuousClock.now - start).seconds
    if device.scalars.pointee.nonFinite != 0 { throw try explainNonFinite() }
  }

  private func save(_ session: inout Session) throws {
    if session.disposition == .save { session.disposition = .proceed }
    guard savedStep != step else { return }
    try settle(&session)
    try save()
    try session.tell(.saved(step: step, path: directory.checkpointPath(step: step)))
  }
}
