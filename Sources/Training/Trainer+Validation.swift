import Datasets
import Files
import Models

extension Trainer {
  /// Two batches before the first step, so that a failure that would come with the first validation comes now.
  func tryOut() throws {
    guard step < schedule.totalSteps else { return }
    let loss = try (0..<data.trial.count).reduce(0.0) { try $0 + losses(of: $1, in: data.trial).sum }
    guard loss.isFinite else { throw TrainingError.nonFiniteValidation(step: step, lastCheckpoint: lastCheckpoint) }
  }

  /// The validation and the evaluation that are due at the step the run starts from: the validation of a new run, and
  /// what an interrupted session did not come to.
  func catchUp(_ session: inout Session) throws {
    let isOver = session.disposition == .stop
    if !isOver, step == 0 || isDue(recipe.validation.every), !metrics.hasValidationAtStart { try validate(&session) }
    if session.disposition < .stop, step > 0, isEvaluationDue, !metrics.hasEvaluationAtStart { try evaluate(&session) }
  }

  func isDue(_ every: Int) -> Bool { every > 0 && (step % every == 0 || step == schedule.totalSteps) }

  var isEvaluationDue: Bool { recipe.evaluation.map { isDue($0.every) } ?? false }

  /// The loss on all validation batches; nothing when the run is asked to stop meanwhile.
  func validate(_ session: inout Session) throws {
    guard let validation = data.validation else { return }
    try settle(&session)
    var sum = 0.0
    var count = 0
    for index in 0..<validation.count {
      let losses = try losses(of: index, in: validation)
      sum += losses.sum
      count += losses.count
      try session.tell(.validating(done: index + 1, count: validation.count))
      if session.disposition == .stop, index + 1 < validation.count { return }
    }
    let result = ValidationMetrics(step: step, tokens: tokens, loss: sum / Double(max(1, count)))
    guard result.loss.isFinite else {
      throw TrainingError.nonFiniteValidation(step: step, lastCheckpoint: lastCheckpoint)
    }
    try metrics.append(result.line)
    try session.tell(.validated(result))
  }

  /// The losses of a batch's targets that count, summed.
  private func losses(of index: Int, in batches: ValidationBatches) throws -> (sum: Double, count: Int) {
    let count = try batches.fill(index, validationMemory.rows)
    upload(validationMemory.rows, to: lossProgram.tokens, lossProgram.targets, lossProgram.documentStarts)
    try lossProgram.run()
    return (try lossProgram.readLosses().reduce(0) { $0 + Double($1) }, count)
  }

  /// Runs the evaluation hook. What it throws is thrown on, after a checkpoint of this step.
  func evaluate(_ session: inout Session) throws {
    guard let section = recipe.evaluation, let evaluate = options.evaluate else { return }
    try settle(&session)
    let results: [JSONObject]
    do {
      results = try evaluate(
        EvaluationRequest(
          section: section, step: step, model: model, store: store, tokenizerDirectory: tokenizerDirectory))
    } catch is CancellationError {
      session.disposition = .stop
      return
    } catch {
      if savedStep != step { try save() }
      throw error
    }
    let lines = results.map { result in
      var line: JSONObject = ["step": .integer(Int64(step))]
      for (key, value) in result { line[key] = value }
      return line
    }
    try metrics.append(lines)
    try session.tell(.evaluated(step: step, lines: lines))
  }
}
