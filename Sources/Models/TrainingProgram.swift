import Programs
import Tensors

/// Forward, loss and backward of one micro-batch: adds the gradients of every trained parameter of the store.
///
/// The loss gradient of each target is multiplied by the device's `lossScale`. Negative targets are ignored.
public final class TrainingProgram {
  /// Where the host puts the inputs: int32 [B·T, 1] each.
  public let tokens: Tensor
  public let targets: Tensor
  /// Where the host puts another, int32 [B·T, 1], if documents are masked: the position in its sequence, 0…t for the
  /// token at t and never less than that of the token before, at which the document of each token begins. Tokens see
  /// none before it. Zeros, as it is made, are one document a sequence.
  public let documentStarts: Tensor?
  private let program: Program
  private let losses: Tensor
  private let store: ParameterStore

  /// - Parameter masksDocuments: whether the documents of a sequence do not see each other; see `documentStarts`.
  /// - Throws: `GraphError`, `DeviceError`.
  public init(
    _ model: Model, store: ParameterStore, rows B: Int, length T: Int, recompute: Recompute = .none,
    masksDocuments: Bool = false
  ) throws {
    let graph = try LossGraph(
      model, rows: B, length: T, precision: store.precision, recompute: recompute, masksDocuments: masksDocuments)
    let program = try Program(Backward.differentiate(graph.graph, isTrainable: store.isTrainable), store: store)
    self.program = program
    self.store = store
    tokens = program[graph.tokens]
    targets = program[graph.targets]
    documentStarts = graph.documentStarts.map { program[$0] }
    losses = program[graph.losses]
  }

  public var memory: MemoryReport { program.memory }

  public func run() throws(DeviceError) { try program.run() }

  /// −log P of each target in nats, [B·T]; 0 where the target is ignored. Waits for the device.
  public func readLosses() throws(DeviceError) -> [Float] { try store.device.read(losses) }
}

/// Forward and loss of one batch, without gradients: validation.
public final class LossProgram {
  /// Where the host puts the inputs: int32 [B·T, 1] each.
  public let tokens: Tensor
  public let targets: Tensor
  /// As `TrainingProgram.documentStarts`.
  public let documentStarts: Tensor?
  private let program: Program
  private let losses: Tensor
  private let store: ParameterStore

  /// - Parameter masksDocuments: as `TrainingProgram`'s.
  /// - Throws: `GraphError`, `DeviceError`.
  public init(
    _ model: Model, store: ParameterStore, rows B: Int, length T: Int, masksDocuments: Bool = false
  ) throws {
    let graph = try LossGraph(
      model, rows: B, length: T, precision: store.precision, recompute: .none, masksDocuments: masksDocuments)
    let program = try Program(graph.graph, store: store)
    self.program = program
    self.store = store
    tokens = program[graph.tokens]
    targets = program[graph.targets]
    documentStarts = graph.documentStarts.map { program[$0] }
    losses = program[graph.losses]
  }

  public var memory: MemoryReport { program.memory }

  public func run() throws(DeviceError) { try program.run() }

  /// −log P of each target in nats, [B·T]; 0 where the target is negative. Waits for the device.
  public func readLosses() throws(DeviceError) -> [Float] { try store.device.read(losses) }
}

/// The forward graph that both share.
struct LossGraph {
  let graph: Graph
  let tokens: Value
  let targets: Value
  let documentStarts: Value?
  let losses: Value

  init(
    _ model: Model, rows B: Int, length T: Int, precision: Precision, recompute: Recompute, masksDocuments: Bool = false
  ) throws(GraphError) {
    var pass = ForwardPass(batch: B, length: T, precision: precision, recompute: recompute)
    tokens = try pass.graph.input("tokens", B * T, 1, .int32)
    targets = try pass.graph.input("targets", B * T, 1, .int32)
    documentStarts = masksDocuments ? try pass.graph.input("document starts", B * T, 1, .int32) : nil
    losses = try pass.graph.persistent("losses", B * T, 1)
    pass.documentStarts = documentStarts
    let hidden = try model.family.hidden(&pass, tokens)
    let (weight, bias) = (try model.family.headWeight(&pass), try model.family.headBias(&pass))
    try pass.graph.linearCrossEntropy(
      hidden, weight: weight, bias: bias, targets: targets, losses: losses, softcap: model.family.logitSoftcap)
    graph = pass.graph
  }
}

/// What a training step will need and cost, known before any memory is taken.
public struct TrainingPlan: Sendable {
  public let memory: MemoryReport
  /// Floating-point operations for a token, forward and backward; what is recomputed counts again.
  public let floatingPointOperationsPerToken: Double

  /// - Parameters:
  ///   - masksDocuments: as `TrainingProgram`'s. What the mask saves is not known, and counts as work.
  ///   - group: the optimiser group of each parameter.
  /// - Throws: `GraphError`.
  public init(
    _ model: Model, rows B: Int, length T: Int, precision: Precision = .float32, recompute: Recompute,
    masksDocuments: Bool = false, group: (Parameter) -> ParameterGroup
  ) throws(GraphError) {
    let frozen = Set(model.parameters.filter { group($0).isFrozen }.map(\.name))
    let graph = try LossGraph(
      model, rows: B, length: T, precision: precision, recompute: recompute, masksDocuments: masksDocuments
    ).graph
    let plan = ProgramPlan(try Backward.differentiate(graph, isTrainable: { !frozen.contains($0) }))
    memory = plan.memory(parameters: model.parameters, precision: precision, group: group)
    floatingPointOperationsPerToken = Double(plan.floatingPointOperations) / Double(B * T)
  }
}
