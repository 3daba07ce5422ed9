import Programs
import Tensors

/// Log-probabilities of given next tokens, without N·V logits: of rows that are leaves of trees of texts, so that what texts
/// have in common is computed once and nothing is padded.
public final class ScoringProgram {
  /// The sizes a program is made for.
  public struct Shape: Sendable, Hashable {
    /// N.
    public var rows: Int
    /// S: how many of them go through the output head, each as often as there are tokens to score after it.
    public var scores: Int
    /// Positions are below it.
    public var positions: Int

    public init(rows: Int, scores: Int, positions: Int) {
      self.rows = rows
      self.scores = scores
      self.positions = positions
    }
  }

  /// Where the host puts the rows: tokens and their positions, int32 [N, 1] each; what they see, int32 [N, 4]
  /// (`Device.attentionTree`).
  public let tokens: Tensor
  public let positions: Tensor
  public let spans: Tensor
  /// Which rows are scored, in any order and as often as there are targets to score after them, and the token to score
  /// after each: int32 [S, 1].
  public let scoredRows: Tensor
  public let targets: Tensor
  private let program: Program
  private let scores: Tensor
  private let greedy: Tensor
  private let store: ParameterStore
  /// Held because the program reads its memory.
  private let prefix: KeyValueCache?

  /// - Parameter prefix: what rows may follow; `DecodeProgram` fills it. nil: they follow nothing.
  /// - Throws: `GraphError`, `DeviceError`.
  public init(_ model: Model, store: ParameterStore, shape: Shape, prefix: KeyValueCache? = nil) throws {
    let (N, S) = (shape.rows, shape.scores)
    var pass = ForwardPass(batch: 1, length: N, precision: store.precision, cacheCapacity: prefix?.capacity)
    let tokens = try pass.graph.input("tokens", N, 1, .int32)
    let positions = try pass.graph.input("positions", N, 1, .int32)
    let spans = try pass.graph.input("spans", N, 4, .int32)
    let scoredRows = try pass.graph.input("scored rows", S, 1, .int32)
    let targets = try pass.graph.input("targets", S, 1, .int32)
    let scores = try pass.graph.persistent("scores", S, 1)
    let greedy = try pass.graph.persistent("greedy", S, 1, .int32)
    pass.tree = .init(positions: positions, spans: spans, positionCount: shape.positions)
    let hidden = try pass.graph.gatherRows(model.family.hidden(&pass, tokens), scoredRows)
    let (weight, bias) = (try model.family.headWeight(&pass), try model.family.headBias(&pass))
    try pass.graph.linearLogProbabilities(
      hidden, weight: weight, bias: bias, targets: targets, scores: scores, greedy: greedy,
      softcap: model.family.logitSoftcap)
    let program = try Program(pass.graph, store: store, external: prefix?.memory(for: pass) ?? [])
    self.program = program
    self.store = store
    self.prefix = prefix
    self.tokens = program[tokens]
    self.positions = program[positions]
    self.spans = program[spans]
    self.scoredRows = program[scoredRows]
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
