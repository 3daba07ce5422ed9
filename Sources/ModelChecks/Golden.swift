import Checkpoints
import Files
import Models
import Programs
import Tensors

/// A tiny random model with what PyTorch computed for it in float32: a directory with the model, `golden.safetensors`
/// (token ids, logits, loss, the gradient of every tensor) and `golden.json` (ten steps of AdamW).
///
/// What is returned is how far a device is from that. The reference itself is within 2.6e-5 of float64 in the logits, 8e-6
/// in gradients (of a tensor's largest), 7e-6 in the losses.
public struct Golden: Sendable, CustomStringConvertible {
  /// The models whose families there are.
  public static let names = [
    "gpt2", "gpt2-inheritune", "gpt_neox", "gpt_neox-serial", "gemma", "gemma2", "llama", "llama-gqa", "llama-hd100",
    "llama-rope3", "mistral", "mpt", "mpt-heads3", "opt", "qwen2", "qwen3",
  ]

  public let directory: String
  public let description: String

  /// - Parameter directory: that of all models.
  public init(_ name: String, in directory: String) {
    self.directory = directory + "/" + name
    description = name
  }

  public func model() throws -> Model { try Model.load(directory: directory) }

  public func checkpoint() throws -> any CheckpointReader { try Checkpoint.open(directory) }

  public func store(
    on device: any Device, _ precision: Precision, group: (Parameter) -> ParameterGroup = { _ in .frozen }
  ) throws -> ParameterStore {
    try .load(model(), from: checkpoint(), device: device, precision: precision, group: group)
  }

  private func tensors() throws -> any CheckpointReader { try Checkpoint.open(directory + "/golden.safetensors") }

  // MARK: Inference

  /// Largest difference of the logits of whole sequences.
  public func logitsDifference(on device: any Device, _ precision: Precision = .float32) throws -> Double {
    let model = try model()
    let store = try store(on: device, precision)
    let rows = try tensors().ids("input_ids")
    let length = rows[0].count
    let program = try DecodeProgram(
      model, store: store, length: length, logitRows: length,
      cache: KeyValueCache(device: device, capacity: length))
    return largestDifference(
      try rows.flatMap { try program.run($0, at: 0) }, try tensors().floats("logits"))
  }

  /// The same when the tokens of the first sequence come `chunk` at a time, through the key/value caches. What is left
  /// after the last whole chunk is left out.
  public func cachedLogitsDifference(
    on device: any Device, _ precision: Precision = .float32, chunk: Int = 1
  ) throws -> Double {
    let model = try model()
    let store = try store(on: device, precision)
    let row = try tensors().ids("input_ids")[0]
    let program = try DecodeProgram(
      model, store: store, length: chunk, logitRows: chunk,
      cache: KeyValueCache(device: device, capacity: row.count))
    let logits = try stride(from: 0, through: row.count - chunk, by: chunk).flatMap {
      try program.run(Array(row[$0..<$0 + chunk]), at: $0)
    }
    return largestDifference(logits, try tensors().floats("logits").prefix(logits.count))
  }

  /// Largest difference of the log-probabilities of the next tokens, and how many likeliest tokens are not those of the
  /// reference. Each sequence is a tree: a quarter of it in a cache if `hasPrefix`, the tokens up to its half, and what is
  /// left as two equal branches.
  public func scoresDifference(
    on device: any Device, _ precision: Precision = .float32, hasPrefix: Bool
  ) throws -> (scores: Double, greedy: Int) {
    let model = try model()
    let store = try store(on: device, precision)
    let rows = try tensors().ids("input_ids")
    let length = rows[0].count
    let (prefix, fork) = (hasPrefix ? length / 4 : 0, length / 2)
    let cache = hasPrefix ? KeyValueCache(device: device, capacity: prefix) : nil
    let prefill = try cache.map { try DecodeProgram(model, store: store, length: prefix, cache: $0) }
    let positions = Array(prefix..<length) + Array(fork..<length)
    let (shared, end) = (fork - prefix, length - prefix)
    let program = try ScoringProgram(
      model, store: store, shape: .init(rows: positions.count, scores: positions.count, positions: length),
      prefix: cache)
    let logits = try tensors().floats("logits")
    var (worst, misses) = (0.0, 0)
    for (index, row) in rows.enumerated() {
      _ = try prefill?.run(Array(row[..<prefix]), at: 0)
      let targets = positions.map { $0 + 1 < length ? row[$0 + 1] : 0 }
      let spans = positions.indices.flatMap { place in
        place < shared ? [prefix, 0, 0, 0] : [prefix, 0, shared, place < end ? shared : end]
      }
      for (values, tensor) in [
        (positions.map { row[$0] }, program.tokens), (positions.map { Int32($0) }, program.positions),
        (spans.map { Int32($0) }, program.spans), (positions.indices.map { Int32($0) }, program.scoredRows),
        (targets, program.targets),
      ] { values.withUnsafeBytes { device.upload($0, to: tensor) } }
      try program.run()
      let (scores, greedy) = try program.readScores()
      for (place, position) in positions.enumerated() {
        let start = (index * length + position) * model.vocabularySize
        let own = Array(logits[start..<start + model.vocabularySize])
        worst = max(worst, abs(Double(scores[place]) - logProbability(of: Int(targets[place]), own)))
        if own[Int(greedy[place])] != own.max() { misses += 1 }
      }
    }
    return (worst, misses)
  }

  // MARK: Training

  /// Difference of the loss, and the largest of any gradient relative to its tensor's largest entry, with a floor of 1e-3
  /// (in bfloat16 1e-2) of the largest gradient anywhere: that of a key's bias is zero but for rounding.
  public func gradientsDifference(
    on device: any Device, _ precision: Precision = .float32, recompute: Recompute = .none
  ) throws -> (loss: Double, gradient: Double, tensor: String) {
    let tensors = try tensors()
    let (loss, gradients) = try gradients(on: device, precision, recompute: recompute)
    let entries = try model().weights.entries
    let expected = try entries.map { try tensors.floats("grad." + $0.name) }
    let largest = Double(expected.joined().map(abs).max() ?? 0)
    let floor = (precision.compute == .float32 ? 1e-3 : 1e-2) * largest
    var worst = (gradient: 0.0, tensor: "")
    for (entry, expected) in zip(entries, expected) {
      guard let found = gradients[entry.name] else { continue }
      let own = Double(expected.map(abs).max() ?? 0)
      // Zero but for rounding, which is Float's of numbers as large as the largest: OPT's key biases.
      let scale = own < 1e-5 * largest ? 1e-2 * largest : max(floor, own)
      let difference = largestDifference(found, expected) / scale
      if !(difference <= worst.gradient) { worst = (difference, entry.name) }
    }
    return (abs(loss - Double(try tensors.floats("loss")[0])), worst.gradient, worst.tensor)
  }

  /// The mean loss, and its gradient for every tensor of the checkpoint that the model has.
  public func gradients(
    on device: any Device, _ precision: Precision = .float32, recompute: Recompute = .none
  ) throws -> (loss: Double, gradients: [String: [Float]]) {
    let model = try model()
    let store = try store(on: device, precision) { _ in ParameterGroup() }
    let rows = try tensors().ids("input_ids")
    let T = rows[0].count
    let program = try TrainingProgram(model, store: store, rows: rows.count, length: T, recompute: recompute)
    device.scalars.pointee = StepScalars()
    device.scalars.pointee.lossScale = 1 / Float(rows.count * (T - 1))
    device.upload(rows.flatMap { $0 }, to: program.tokens)
    device.upload(nextTokens(rows), to: program.targets)
    try program.run()
    let loss = try program.readLosses().reduce(0) { $0 + Double($1) } / Double(rows.count * (T - 1))
    var gradients: [String: [Float]] = [:]
    for entry in model.weights.entries {
      guard case .parameter(let name, let layout) = entry.content else { continue }
      gradients[entry.name] = try layout.gather(0..<entry.elementCount) {
        try store.read($0, from: .gradients, of: name)
      }
    }
    return (loss, gradients)
  }

  /// Ten AdamW steps: largest difference of the losses before and after each, and of the gradient norms, relative.
  public func trainingDifference(
    on device: any Device, _ precision: Precision = .float32
  ) throws -> (loss: Double, norm: Double) {
    let model = try model()
    // The reference decays what has two dimensions.
    let store = try store(on: device, precision) { ParameterGroup(weightDecay: $0.rows > 1 ? 0.1 : 0) }
    let batches = try tensors().ids("train_ids")
    let T = batches[0].count
    let training = try TrainingProgram(model, store: store, rows: 2, length: T)
    let update = try OptimizerProgram(store: store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    let evaluation = try LossProgram(model, store: store, rows: 2, length: T)
    let reference = try JSON(contentsOf: directory + "/golden.json")["training"]
    func expected(_ key: String, _ step: Int) -> Double { reference?[key]?.array?[step].double ?? .nan }
    func mean(_ losses: [Float]) -> Double { losses.reduce(0) { $0 + Double($1) } / Double(2 * (T - 1)) }

    device.scalars.pointee = StepScalars()
    device.scalars.pointee.lossScale = 1 / Float(2 * (T - 1))
    device.scalars.pointee.learningRate = 1e-3
    device.scalars.pointee.clip = 1
    var worst = (loss: 0.0, norm: 0.0)
    // Also when one is not a number.
    func note(_ difference: Double, _ path: WritableKeyPath<(loss: Double, norm: Double), Double>) {
      if !(abs(difference) <= worst[keyPath: path]) { worst[keyPath: path] = abs(difference) }
    }
    var powers = (1.0, 1.0)
    for step in 0..<10 {
      let rows = Array(batches[2 * step..<2 * step + 2])
      for (tokens, targets) in [(training.tokens, training.targets), (evaluation.tokens, evaluation.targets)] {
        device.upload(rows.flatMap { $0 }, to: tokens)
        device.upload(nextTokens(rows), to: targets)
      }
      powers = (powers.0 * 0.9, powers.1 * 0.95)
      device.scalars.pointee.biasCorrection1 = Float(1 - powers.0)
      device.scalars.pointee.biasCorrection2 = Float(1 - powers.1)
      try training.run()
      note(mean(try training.readLosses()) - expected("loss_before", step), \.loss)
      try update.run()
      note(Double(try update.gradientNorm()) / expected("grad_norm", step) - 1, \.norm)
      try evaluation.run()
      note(mean(try evaluation.readLosses()) - expected("loss_after", step), \.loss)
    }
    return worst
  }
}
