import Dispatch
import Files
import Models
import Programs
import Tensors

/// Tokens a second of whole training steps, peak memory, and a table of every kernel in them.
struct BenchmarkPart {
  /// A model and a batch of it.
  struct Shape: Sendable {
    let name: String
    let configuration: JSONObject
    let rows: Int
    let length: Int
    var recompute = Recompute.none
    /// Whether its kernels are listed.
    var listsKernels = true

    /// The two that the targets are about, with the batches of the peers' runs; and what a card of 48 GB has to hold.
    static let full = [
      Shape(name: "OpenLLaMA-3B, 13 blocks", configuration: openLLaMA, rows: 8, length: 2048),
      Shape(name: "GPT-2 medium", configuration: gpt2Medium, rows: 32, length: 1024),
      Shape(name: "OpenLLaMA-3B, 13 blocks", configuration: openLLaMA, rows: 4, length: 2048, listsKernels: false),
      Shape(
        name: "OpenLLaMA-3B, 13 blocks, recompute: cheap", configuration: openLLaMA, rows: 4, length: 2048,
        recompute: .cheap, listsKernels: false),
    ]
    /// To try the part out where there is no GPU.
    static let small = [
      Shape(name: "LLaMA, 2 blocks of width 400", configuration: SmallModel.llama, rows: 1, length: 32)
    ]

    private static let openLLaMA: JSONObject = [
      "model_type": .string("llama"), "num_hidden_layers": .integer(13), "hidden_size": .integer(3200),
      "num_attention_heads": .integer(32), "intermediate_size": .integer(8640),
      "max_position_embeddings": .integer(2048), "vocab_size": .integer(32000),
    ]
    private static let gpt2Medium: JSONObject = [
      "model_type": .string("gpt2"), "n_layer": .integer(24), "n_embd": .integer(1024), "n_head": .integer(16),
      "n_positions": .integer(1024), "vocab_size": .integer(50257),
    ]
  }

  let device: any Device
  let shapes: [Shape]
  /// Seconds that the device needs for the kernels of a closure.
  let time: (() -> Void) throws -> Double
  /// Bytes of the device's memory in use, by everything; nil where that is not known.
  let memoryInUse: () throws -> Int?

  private static let warmup = 5, steps = 20

  func run(_ report: Report) throws {
    let ceiling = try Ceiling(device, isSmall: shapes.allSatisfy { $0.rows * $0.length < 1024 }, time: time)
    report.line(
      "Measured ceilings: \((ceiling.operationsPerSecond / 1e12).short()) TFLOP/s in a square product, "
        + "\((ceiling.bytesPerSecond / 1e9).short()) GB/s in a copy.\n")
    for shape in shapes {
      try measure(shape, report)
      if shape.listsKernels { try kernels(shape, ceiling, report) }
    }
  }

  private var precision: Precision { device.info.dtypes.contains(.bfloat16) ? .bfloat16 : .float32 }

  // MARK: Steps

  private func measure(_ shape: Shape, _ report: Report) throws {
    let model = try Model(configuration: shape.configuration, source: "device-check")
    let before = try memoryInUse()
    let step = try Step(model, shape, device, precision)
    for _ in 0..<Self.warmup { try step.run() }
    try device.synchronize()
    let seconds = try (0..<Self.steps).map { _ in
      let start = DispatchTime.now().uptimeNanoseconds
      try step.run()
      try device.synchronize()
      return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }.median
    let after = try memoryInUse()

    let tokens = Double(shape.rows * shape.length)
    let operations = step.operationsPerToken * tokens / seconds
    let share = device.info.peakOperationsPerSecond.map { " = \((100 * operations / $0).short()) % of the data sheet" }
    report.line("### \(shape.name): \(shape.rows) sequences of \(shape.length), \(precision.compute)\n")
    report.line(
      "- \((tokens / seconds).short(4)) tokens/s, \((seconds * 1e3).short(4)) ms a step of "
        + "\((step.operationsPerToken / 1e9).short(4)) GFLOP a token (forward, backward, clipping, AdamW; median of "
        + "\(Self.steps))"
    )
    report.line("- \((operations / 1e12).short()) TFLOP/s\(share ?? "")")
    if let before, let after {
      let predicted = Double(step.memory.total)
      let found = Double(after - before)
      report.line(
        "- memory \((found / 1e9).short(4)) GB, predicted \((predicted / 1e9).short(4)) GB "
          + "(\((100 * (predicted / found - 1)).short(2)) %); \((Double(after) / 1e9).short(4)) GB with CUDA's own")
    }
    let (first, second) = try (step.gradients(), step.gradients())
    report.expect(first.allSatisfy(\.isFinite), "finite losses and gradients")
    // At full size: small batches do not show a sum whose order changes.
    report.expect(
      first.elementsEqual(second) { $0.bitPattern == $1.bitPattern }, "computed again, the same bits")
  }

  // MARK: Kernels

  private func kernels(_ shape: Shape, _ ceiling: Ceiling, _ report: Report) throws {
    let model = try Model(configuration: shape.configuration, source: "device-check")
    let timing = TimingDevice(device, time: time)
    let step = try Step(model, shape, timing, precision)
    try step.run()
    try timing.check()
    let entries = timing.entries.values.sorted { $0.totalSeconds > $1.totalSeconds }
    let total = entries.reduce(0) { $0 + $1.totalSeconds }
    report.line("\nKernels of one step, \((total * 1e3).short(4)) ms altogether, each timed by itself:\n")
    report.table(
      ["kernel", "shape", "launches", "µs each", "share", "TFLOP/s", "GB/s", "of the ceiling"],
      entries.prefix(24).map { entry in
        [
          entry.kernel, entry.shape, "\(entry.count)", (entry.seconds * 1e6).short(),
          "\((100 * entry.totalSeconds / total).short(2)) %",
          entry.operations > 0 ? (entry.operations / entry.seconds / 1e12).short() : "",
          (entry.bytes / entry.seconds / 1e9).short(), "\((100 * ceiling.share(of: entry)).short(2)) %",
        ]
      })
    if let gap = entries.max(by: { ceiling.lostSeconds(in: $0) < ceiling.lostSeconds(in: $1) }) {
      report.line(
        "Largest gap: \(gap.kernel) \(gap.shape), \((ceiling.lostSeconds(in: gap) * 1e3).short()) ms a step above the "
          + "ceiling (\((100 * ceiling.lostSeconds(in: gap) / total).short(2)) % of the step).\n")
    }
  }
}

/// A training step of a model with made-up weights and tokens.
private final class Step {
  let memory: MemoryReport
  let operationsPerToken: Double
  private let store: ParameterStore
  private let training: TrainingProgram
  private let update: OptimizerProgram

  init(_ model: Model, _ shape: BenchmarkPart.Shape, _ device: any Device, _ precision: Precision) throws {
    let store = try ParameterStore(device: device, parameters: model.parameters, precision: precision) {
      ParameterGroup(weightDecay: $0.rows > 1 ? 0.1 : 0)
    }
    // Random bits, because a GPU is faster on constants; the same ones again and again, because drawing billions takes
    // longer than the measurement.
    let noise = NormalNumbers(seed: 1, name: "noise").values(0..<1 << 20, deviation: 0.02)
    for parameter in store.parameters {
      for start in stride(from: 0, to: parameter.count, by: noise.count) {
        let count = min(noise.count, parameter.count - start)
        try noise[..<count].withUnsafeBufferPointer { try store.write($0, of: parameter.name, at: start) }
      }
    }
    self.store = store
    training = try TrainingProgram(
      model, store: store, rows: shape.rows, length: shape.length, recompute: shape.recompute)
    update = try OptimizerProgram(store: store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
    memory = training.memory
    // As the peers count: 6 · (parameters of the products) + 12 · L · C · T, attention without its mask. A plan counts what
    // the mask leaves, half of it.
    let plan = try TrainingPlan(model, rows: shape.rows, length: shape.length, recompute: .none) { _ in ParameterGroup()
    }
    operationsPerToken =
      plan.floatingPointOperationsPerToken + 6 * Double(model.layerCount * model.width * shape.length)
    var random = SplitMix64(seed: 2)
    let ids = (0..<shape.rows * shape.length).map { _ in Int32(random.next(below: model.vocabularySize)) }
    for tensor in [training.tokens, training.targets] { ids.withUnsafeBytes { device.upload($0, to: tensor) } }
    let scalars = device.scalars
    scalars.pointee = StepScalars()
    scalars.pointee.lossScale = 1 / Float(ids.count)
    scalars.pointee.learningRate = 1e-4
    scalars.pointee.clip = 1
  }

  func run() throws {
    try training.run()
    try update.run()
  }

  /// The losses of one micro-step, and the first gradients of each parameter.
  func gradients() throws -> [Float] {
    for case let state? in store.groups.map(\.state) { store.device.fill(state.gradients, 0) }
    try training.run()
    return try store.parameters.reduce(into: training.readLosses()) { all, parameter in
      all += try store.read(0..<min(parameter.count, 1 << 16), from: .gradients, of: parameter.name)
    }
  }
}

/// What the device reaches in the best case, measured.
private struct Ceiling {
  let operationsPerSecond: Double
  let bytesPerSecond: Double

  init(_ device: any Device, isSmall: Bool, time: (() -> Void) throws -> Double) throws {
    let size = isSmall ? 64 : 8192
    let dtype: DType = device.info.dtypes.contains(.bfloat16) ? .bfloat16 : .float32
    let tensors = try (0..<3).map { _ in
      Tensor(address: try device.allocate(bytes: size * size * dtype.size), rows: size, columns: size, dtype: dtype)
    }
    defer { for tensor in tensors { device.release(tensor.address) } }
    let noise = NormalNumbers(seed: 3, name: "noise").values(0..<size * 8, deviation: 1)
    for tensor in tensors.prefix(2) {
      for row in stride(from: 0, to: size, by: 8) {
        noise.withUnsafeBufferPointer { device.write($0, to: tensor.rows(row..<row + 8)) }
      }
    }
    func multiply() {
      device.matmul(
        tensors[2], tensors[0], tensors[1], transposeA: false, transposeB: true, accumulate: .set, bias: nil)
    }
    multiply()
    let product = try (0..<5).map { _ in try time { for _ in 0..<5 { multiply() } } / 5 }.median
    operationsPerSecond = 2 * Double(size) * Double(size) * Double(size) / product
    let copy = try (0..<5).map { _ in try time { for _ in 0..<5 { device.copy(tensors[2], tensors[0]) } } / 5 }.median
    bytesPerSecond = 2 * Double(tensors[0].byteCount) / copy
  }

  private func idealSeconds(_ entry: TimingDevice.Entry) -> Double {
    Swift.max(entry.operations / operationsPerSecond, entry.bytes / bytesPerSecond)
  }

  /// How near a kernel is to the nearer of the two ceilings.
  func share(of entry: TimingDevice.Entry) -> Double { idealSeconds(entry) / entry.seconds }

  /// What all launches of a kernel take above it.
  func lostSeconds(in entry: TimingDevice.Entry) -> Double {
    (entry.seconds - idealSeconds(entry)) * Double(entry.count)
  }
}
