import Programs
import Tensors

/// Forward, loss and backward of one micro-batch: adds the gradients of every trained parameter of the store.
///
/// The loss gradient of each target is multiplied by the device's `lossScale`. Negative targets are ignored.
public final class TrainingProgram {
  /// Where the host puts the inputs: int32 [B·T, 1] each.
  public let tokens: Tensor
  public let targets: Tensor
  private let program: Program
  private let losses: Tensor
  private let store: ParameterStore

  /// - Throws: `GraphError`, `DeviceError`.
  public init(
    _ model: Model, store: ParameterStore, rows B: Int, length T: Int, recompute: Recompute = .none
  ) throws {
    let graph = try LossGraph(model, rows: B, length: T, precision: store.precision, recompute: recompute)
    program = try Program(Backward.differentiate(graph.graph, isTrainable: store.isTrainable), store: store)
    self.store = store
    tokens = program[graph.tokens]
    targets = program[graph.targets]
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
  private let program: Program
  private let losses: Tensor
  private let store: ParameterStore

  /// - Throws: `GraphError`, `DeviceError`.
  public init(_ model: Model, store: ParameterStore, rows B: Int, length T: Int) throws {
    let graph = try LossGraph(model, rows: B, length: T, precision: store.precision, recompute: .none)
    program = try Program(graph.graph, store: store)
    self.store = store
    tokens = program[graph.tokens]
    targets = program[graph.targets]
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
  let losses: Value

  init(
    _ model: Model, rows B: Int, length T: Int, precision: Precision, recompute: Recompute
  ) throws(GraphError) {
    var pass = ForwardPass(batch: B, length: T, precision: precision, recompute: recompute)
    tokens = try pass.graph.input("tokens", B * T, 1, .int32)
    targets = try pass.graph.input("targets", B * T, 1, .int32)
    losses = try pass.graph.persistent("losses", B * T, 1)
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

  /// - Parameter group: the optimiser group of each parameter.
  /// - Throws: `GraphError`.
  public init(
    _ model: Model, rows B: Int, length T: Int, precision: Precision = .float32, recompute: Recompute,
    group: (Parameter) -> ParameterGroup
  ) throws(GraphError) {
    let frozen = Set(model.parameters.filter { group($0).isFrozen }.map(\.name))
    let graph = try LossGraph(model, rows: B, length: T, precision: precision, recompute: recompute).graph
    let plan = ProgramPlan(try Backward.differentiate(graph, isTrainable: { !frozen.contains($0) }))
    memory = plan.memory(parameters: model.parameters, precision: precision, group: group)
    floatingPointOperationsPerToken = Double(plan.floatingPointOperations) / Double(B * T)
  }
}
