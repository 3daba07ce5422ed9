import Glibc
import Programs
import Tensors

/// New rows of one sequence against a key/value cache, which has them afterwards: logits of the rows that are asked for.
public final class DecodeProgram {
  /// New rows of one run.
  public let length: Int
  private let cache: KeyValueCache
  private let model: Model
  private let store: ParameterStore
  private let program: Program
  private let tokens: Tensor
  private let logits: Tensor

  /// - Parameters:
  ///   - length: new rows of one run: the whole prompt, or 1 for each step after it.
  ///   - logitRows: how many of the last rows get logits.
  /// - Throws: `GraphError`, `DeviceError`.
  public init(_ model: Model, store: ParameterStore, length: Int, logitRows: Int = 1, cache: KeyValueCache) throws {
    precondition(length <= cache.capacity && cache.capacity <= model.contextLength && (1...length).contains(logitRows))
    var pass = ForwardPass(
      batch: 1, length: length, precision: store.precision, cacheCapacity: cache.capacity)
    let tokens = try pass.graph.input("tokens", length, 1, .int32)
    let rows = try pass.graph.input("logit rows", logitRows, 1, .int32)
    let logits = try pass.graph.persistent("logits", logitRows, model.vocabularySize)
    let hidden = try model.family.hidden(&pass, tokens)
    let (weight, bias) = (try model.family.headWeight(&pass), try model.family.headBias(&pass))
    try pass.graph.linear(pass.graph.gatherRows(hidden, rows), weight: weight, bias: bias, into: logits)
    let program = try Program(pass.graph, store: store, external: cache.memory(for: pass))
    self.program = program
    self.model = model
    self.store = store
    self.length = length
    self.cache = cache
    self.tokens = program[tokens]
    self.logits = program[logits]
    let last = (length - logitRows..<length).map { Int32($0) }
    last.withUnsafeBytes { store.device.upload($0, to: program[rows]) }
  }

  /// Runs `ids` (exactly `length`) at `position` and the positions after it.
  /// - Returns: logits [logitRows, V] of the last rows.
  /// - Throws: `DeviceError`.
  public func run(_ ids: [Int32], at position: Int) throws(DeviceError) -> [Float] {
    precondition(ids.count == length && position + length <= cache.capacity)
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
