import Programs
import Tensors

/// Log-probabilities of given next tokens, for whole sequences: scoring without B·T·V logits.
public final class ScoringProgram {
  /// Where the host puts the sequences: int32 [B·T, 1]. A row beyond a sequence's end may hold any valid id.
  public let tokens: Tensor
  /// Which rows are scored, b·T + t, in any order and as often as there are targets to score after them: int32 [S, 1].
  /// nil when all are, in their order.
  public let positions: Tensor?
  /// The token to score after each of these rows: int32 [S, 1].
  public let targets: Tensor
  private let program: Program
  private let scores: Tensor
  private let greedy: Tensor
  private let store: ParameterStore

  /// - Parameter S: how many rows go through the output head; nil is all B·T.
  /// - Throws: `GraphError`, `DeviceError`.
  public init(_ model: Model, store: ParameterStore, rows B: Int, length T: Int, scored S: Int? = nil) throws {
    var pass = ForwardPass(batch: B, length: T, precision: store.precision)
    let tokens = try pass.graph.input("tokens", B * T, 1, .int32)
    let positions = try S.map { try pass.graph.input("positions", $0, 1, .int32) }
    let targets = try pass.graph.input("targets", S ?? B * T, 1, .int32)
    let scores = try pass.graph.persistent("scores", S ?? B * T, 1)
    let greedy = try pass.graph.persistent("greedy", S ?? B * T, 1, .int32)
    var hidden = try model.family.hidden(&pass, tokens)
    if let positions { hidden = try pass.graph.gatherRows(hidden, positions) }
    let (weight, bias) = (try model.family.headWeight(&pass), try model.family.headBias(&pass))
    try pass.graph.linearLogProbabilities(
      hidden, weight: weight, bias: bias, targets: targets, scores: scores, greedy: greedy,
      softcap: model.family.logitSoftcap)
    let program = try Program(pass.graph, store: store)
    self.program = program
    self.store = store
    self.tokens = program[tokens]
    self.positions = positions.map { program[$0] }
    self.targets = program[targets]
    self.scores = program[scores]
    self.greedy = program[greedy]
  }

  public var memory: MemoryReport { program.memory }

  public func run() throws(DeviceError) { try program.run() }

  /// log P(target) in nats and the likeliest token of each scored row, [S]. Waits for the device.
  public func readScores() throws(DeviceError) -> (logProbabilities: [Float], greedy: [Int32]) {
    (try store.device.read(scores), try store.device.read(greedy))
  }
}
