import Glibc
import CPUBackend
import Checkpoints
import Models
import Programs
import Tensors
import TestSupport
import Testing

/// Logits, gradients and training losses against PyTorch, with the tolerances that goldens/README.md recommends.
@Suite(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
struct GoldenModelTests {
  @Test(arguments: Golden.all, [1, 2])
  func logits(golden: Golden, threads: Int) throws {
    let device = try CPUDevice(threads: threads)
    let model = try golden.model()
    let store = try golden.store(on: device)
    let tensors = try golden.tensors()
    let rows = try tensors.ids("input_ids")
    let expected = try tensors.floats("logits")
    let program = try DecodeProgram(
      model, store: store, length: rows[0].count, logitRows: rows[0].count, capacity: rows[0].count)
    let found = try rows.flatMap { try program.run($0, at: 0) }
    #expect(found.count == expected.count)
    #expect(largestDifference(found, expected) < 1e-4)
  }

  /// The same logits when the tokens come one at a time.
  @Test(arguments: Golden.all)
  func cachedLogits(golden: Golden) throws {
    let device = try CPUDevice(threads: 1)
    let model = try golden.model()
    let store = try golden.store(on: device)
    let tensors = try golden.tensors()
    let row = try tensors.ids("input_ids")[0]
    let expected = try tensors.floats("logits")
    let program = try DecodeProgram(model, store: store, length: 1, capacity: row.count)
    for (position, token) in row.enumerated() {
      let logits = try program.run([token], at: position)
      let range = position * model.vocabularySize..<(position + 1) * model.vocabularySize
      #expect(largestDifference(logits, expected[range]) < 1e-4)
    }
  }

  @Test(arguments: Golden.all)
  func scores(golden: Golden) throws {
    let device = try CPUDevice(threads: 2)
    let model = try golden.model()
    let store = try golden.store(on: device)
    let tensors = try golden.tensors()
    let rows = try tensors.ids("input_ids")
    let logits = try tensors.floats("logits")
    let program = try ScoringProgram(model, store: store, rows: rows.count, length: rows[0].count)
    device.upload(rows.flatMap { $0 }, to: program.tokens)
    let targets = nextTokens(rows).map { max($0, 0) }
    device.upload(targets, to: program.targets)
    try program.run()
    let (scores, greedy) = try program.readScores()
    let V = model.vocabularySize
    for (row, target) in targets.enumerated() {
      let own = logits[row * V..<(row + 1) * V]
      let largest = try #require(own.max())
      let logSum = Double(largest) + log(own.reduce(0) { $0 + exp(Double($1 - largest)) })
      #expect(abs(Double(scores[row]) - (Double(own[own.startIndex + Int(target)]) - logSum)) < 1e-4)
      #expect(own[own.startIndex + Int(greedy[row])] == largest)
    }
  }

  @Test(arguments: Golden.all, Recompute.allCases)
  func gradients(golden: Golden, recompute: Recompute) throws {
    let device = try CPUDevice(threads: 2)
    let model = try golden.model()
    let store = try golden.store(on: device) { _ in ParameterGroup() }
    let tensors = try golden.tensors()
    let rows = try tensors.ids("input_ids")
    let T = rows[0].count
    let program = try TrainingProgram(model, store: store, rows: rows.count, length: T, recompute: recompute)
    device.scalars.pointee.lossScale = 1 / Float(rows.count * (T - 1))
    device.upload(rows.flatMap { $0 }, to: program.tokens)
    device.upload(nextTokens(rows), to: program.targets)
    try program.run()

    let loss = try program.readLosses().reduce(0) { $0 + Double($1) } / Double(rows.count * (T - 1))
    #expect(abs(loss - Double(try tensors.floats("loss")[0])) < 1e-5)

    let expected = try model.weights.entries.map { try tensors.floats("grad." + $0.name) }
    let floor = 1e-3 * (expected.joined().map(abs).max() ?? 0)
    for (entry, expected) in zip(model.weights.entries, expected) {
      guard case .parameter(let name, let offset) = entry.content else { continue }
      let gradient = try #require(store.gradient(name)).address.floats + offset
      let found = UnsafeBufferPointer(start: gradient, count: entry.elementCount)
      let scale = max(floor, expected.map(abs).max() ?? 0)
      #expect(largestDifference(found, expected) < 1e-4 * scale, "\(entry.name)")
    }
  }

  /// Ten AdamW steps: the loss before and after each, and the gradient norm.
  @Test(arguments: Golden.all)
  func training(golden: Golden) throws {
    let device = try CPUDevice(threads: 2)
    let model = try golden.model()
    // The reference decays what has two dimensions.
    let store = try golden.store(on: device) { ParameterGroup(weightDecay: $0.rows > 1 ? 0.1 : 0) }
    let batches = try golden.tensors().ids("train_ids")
    let T = batches[0].count
    let training = try TrainingProgram(model, store: store, rows: 2, length: T)
    let update = try OptimizerProgram(store: store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    let evaluation = try LossProgram(model, store: store, rows: 2, length: T)
    let reference = try #require(golden.numbers()["training"])
    func expected(_ key: String, _ step: Int) throws -> Double { try #require(reference[key]?.array?[step].double) }
    func mean(_ losses: [Float]) -> Double { losses.reduce(0) { $0 + Double($1) } / Double(2 * (T - 1)) }

    device.scalars.pointee.lossScale = 1 / Float(2 * (T - 1))
    device.scalars.pointee.learningRate = 1e-3
    device.scalars.pointee.clip = 1
    for step in 0..<10 {
      let rows = Array(batches[2 * step..<2 * step + 2])
      for (tokens, targets) in [(training.tokens, training.targets), (evaluation.tokens, evaluation.targets)] {
        device.upload(rows.flatMap { $0 }, to: tokens)
        device.upload(nextTokens(rows), to: targets)
      }
      device.scalars.pointee.biasCorrection1 = Float(1 - pow(0.9, Double(step + 1)))
      device.scalars.pointee.biasCorrection2 = Float(1 - pow(0.95, Double(step + 1)))
      try training.run()
      #expect(abs(mean(try training.readLosses()) - (try expected("loss_before", step))) < 5e-5)
      try update.run()
      let norm = try expected("grad_norm", step)
      #expect(abs(Double(try update.gradientNorm()) - norm) < 5e-5 * norm)
      try evaluation.run()
      #expect(abs(mean(try evaluation.readLosses()) - (try expected("loss_after", step))) < 5e-5)
    }
  }
}
