import Files
import Glibc
import Models
import Programs
import Tensors

/// 200 steps in bfloat16, left in a directory with everything that scripts/gpu_curve.py needs to do the same in PyTorch:
/// `model/` (the first weights), `tokens.bin` (the batches, one after the other), `curve.json` (settings and losses).
struct CurvePart {
  let device: any Device
  let directory: String

  private static let steps = 200, rows = 8, length = 128
  private static let learningRate = 1e-3, weightDecay = 0.1, beta1 = 0.9, beta2 = 0.95

  func run(_ report: Report) throws {
    for (name, configuration) in [("gpt2", SmallModel.gpt2), ("llama", SmallModel.llama)] {
      try run(name, try Model(configuration: configuration, source: "device-check"), report)
    }
  }

  private func run(_ name: String, _ model: Model, _ report: Report) throws {
    let (rows, length) = (Self.rows, Self.length)
    let folder = "\(directory)/curve-\(name)"
    try FileTree.makeDirectory(folder + "/model")
    let precision: Precision = device.info.dtypes.contains(.bfloat16) ? .bfloat16 : .float32
    let store = try ParameterStore(device: device, parameters: model.parameters, precision: precision) {
      ParameterGroup(weightDecay: $0.rows > 1 ? Float(Self.weightDecay) : 0)
    }
    try store.initialize(seed: 11)
    try ModelDirectory.write(model, store: store, to: folder + "/model")
    let tokens = MadeUpTokens.ids(count: Self.steps * rows * (length + 1), vocabulary: model.vocabularySize)
    try tokens.withUnsafeBytes { bytes in try AtomicFile.write(folder + "/tokens.bin") { try $0.write(bytes) } }

    let training = try TrainingProgram(model, store: store, rows: rows, length: length)
    let update = try OptimizerProgram(store: store, beta1: Self.beta1, beta2: Self.beta2, epsilon: 1e-8)
    let scalars = device.scalars
    scalars.pointee = StepScalars()
    scalars.pointee.lossScale = 1 / Float(rows * length)
    scalars.pointee.learningRate = Float(Self.learningRate)
    scalars.pointee.clip = 1
    var losses: [Double] = []
    for step in 0..<Self.steps {
      let batch = tokens[step * rows * (length + 1)..<(step + 1) * rows * (length + 1)].map(Int32.init)
      let sequences = (0..<rows).map { batch[$0 * (length + 1)..<($0 + 1) * (length + 1)] }
      sequences.flatMap { $0.dropLast() }.withUnsafeBytes { device.upload($0, to: training.tokens) }
      sequences.flatMap { $0.dropFirst() }.withUnsafeBytes { device.upload($0, to: training.targets) }
      scalars.pointee.biasCorrection1 = Float(1 - pow(Self.beta1, Double(step + 1)))
      scalars.pointee.biasCorrection2 = Float(1 - pow(Self.beta2, Double(step + 1)))
      try training.run()
      try update.run()
      losses.append(try training.readLosses().reduce(0) { $0 + Double($1) } / Double(rows * length))
    }
    let json: JSONObject = [
      "steps": .integer(Int64(Self.steps)), "rows": .integer(Int64(rows)), "length": .integer(Int64(length)),
      "learning_rate": .number(Self.learningRate), "weight_decay": .number(Self.weightDecay),
      "betas": .array([.number(Self.beta1), .number(Self.beta2)]), "clip": .number(1),
      "precision": .string("\(precision.compute)"), "losses": .array(losses.map { .number($0) }),
    ]
    try AtomicFile.write(folder + "/curve.json") { try $0.write(JSON.object(json).serialized(indent: 1) + "\n") }
    let last = losses.suffix(20).reduce(0, +) / 20
    report.expect(
      last < losses[0] - 1 && losses.allSatisfy(\.isFinite),
      "\(name) in \(precision.compute): loss \(losses[0].short(4)) at first, \(last.short(4)) in the last 20 of "
        + "\(Self.steps) steps (left for scripts/gpu_curve.py)")
  }
}
