import Glibc
import Programs
import Tensors

/// New rows of one sequence against key/value caches: logits of the rows that are asked for.
public final class DecodeProgram {
  /// New rows of one run.
  public let length: Int
  /// Positions that the caches hold.
  public let capacity: Int
  private let model: Model
  private let store: ParameterStore
  private let program: Program
  private let tokens: Tensor
  private let logits: Tensor
  private let caches: [(keys: Tensor, values: Tensor)]

  /// - Parameters:
  ///   - length: new rows of one run: the whole prompt, or 1 for each step after it.
  ///   - logitRows: how many of the last rows get logits.
  /// - Throws: `GraphError`, `DeviceError`.
  public init(_ model: Model, store: ParameterStore, length: Int, logitRows: Int = 1, capacity: Int) throws {
    precondition(length <= capacity && capacity <= model.contextLength && (1...length).contains(logitRows))
    var pass = ForwardPass(
      batch: 1, length: length, precision: store.precision, cacheCapacity: capacity)
    let tokens = try pass.graph.input("tokens", length, 1, .int32)
    let rows = try pass.graph.input("logit rows", logitRows, 1, .int32)
    let logits = try pass.graph.persistent("logits", logitRows, model.vocabularySize)
    let hidden = try model.family.hidden(&pass, tokens)
    let (weight, bias) = (try model.family.headWeight(&pass), try model.family.headBias(&pass))
    try pass.graph.linear(pass.graph.gatherRows(hidden, rows), weight: weight, bias: bias, into: logits)
    let program = try Program(pass.graph, store: store)
    self.program = program
    self.model = model
    self.store = store
    self.length = length
    self.capacity = capacity
    self.tokens = program[tokens]
    self.logits = program[logits]
    caches = pass.caches.map { (program[$0.keys], program[$0.values]) }
    let last = (length - logitRows..<length).map { Int32($0) }
    last.withUnsafeBytes { store.device.upload($0, to: program[rows]) }
  }

  /// Takes over the keys and values that another program of the same model and capacity has computed.
  public func copyCaches(from other: DecodeProgram) {
    precondition(other.capacity == capacity)
    for (mine, theirs) in zip(caches, other.caches) {
      store.device.copy(mine.keys, theirs.keys)
      store.device.copy(mine.values, theirs.values)
    }
  }

  /// Runs `ids` (exactly `length`) at `position` and the positions after it.
  /// - Returns: logits [logitRows, V] of the last rows.
  /// - Throws: `DeviceError`.
  public func run(_ ids: [Int32], at position: Int) throws(DeviceError) -> [Float] {
    precondition(ids.count == length && position + length <= capacity)
    precondition(ids.allSatisfy { $0 >= 0 && Int($0) < model.vocabularySize })
    let device = store.device
    ids.withUnsafeBytes { device.upload($0, to: tokens) }
    device.scalars.pointee.position = Int32(position)
    // Programs over whole sequences read the position too; for them it is 0.
    defer { device.scalars.pointee.position = 0 }
    try program.run()
    let values: [Float] = try device.read(logits)
    guard let cap = model.family.logitSoftcap else { return values }
    return values.map { cap * tanhf($0 / cap) }
  }
}
