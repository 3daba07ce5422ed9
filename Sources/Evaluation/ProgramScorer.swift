import Models
import Programs
import Tensors

/// Scores requests with a model on its device.
///
/// The log-probabilities are the device's float32 values; their sum is taken in float64. A score depends on the batch it
/// was computed in by rounding alone (in float32 about 1e-7 of its size).
public final class ProgramScorer: Scorer {
  public var contextLength: Int { model.contextLength }

  private let model: Model
  private let store: ParameterStore
  private let limits: ScoringPlan.Limits
  /// Keys and values of the tokens that the batches of now follow.
  private var prefix: (tokens: ArraySlice<Int32>, cache: KeyValueCache)?
  /// A program for each size of batch; those that see a prefix know the cache it is in.
  private var programs: [ProgramKey: ScoringProgram] = [:]

  private struct ProgramKey: Hashable {
    var shape: ScoringProgram.Shape
    var hasPrefix: Bool
  }

  /// Sizes are many in a long evaluation, and a program has a table of positions.
  private static let programLimit = 16
  /// Rows of a prefix that run together, whatever the limits of batches are.
  private static let prefixRows = 256

  /// - Parameters:
  ///   - store: the model's weights. Its activation arena is shared with whatever else runs on it, such as training.
  ///   - batchTokens: tokens of a batch at most; a longer sequence is a batch of its own.
  ///   - batchSequences: sequences of a batch at most; nil is no limit.
  /// - Throws: `EvaluationError.invalidOption`.
  public init(
    model: Model, store: ParameterStore, batchTokens: Int = 2048, batchSequences: Int? = nil
  ) throws(EvaluationError) {
    guard batchTokens > 0 else {
      throw .invalidOption(name: "--batch-tokens", value: "\(batchTokens)", expected: "1 or more")
    }
    guard batchSequences.map({ $0 > 0 }) ?? true else {
      throw .invalidOption(name: "--batch-size", value: "\(batchSequences ?? 0)", expected: "1 or more")
    }
    self.model = model
    self.store = store
    limits = ScoringPlan.Limits(tokens: batchTokens, sequences: batchSequences)
  }

  /// - Precondition: contexts and continuations are not empty, continuations at most `contextLength` tokens.
  /// - Throws: `EvaluationError.tokenOutsideVocabulary`, `GraphError`, `DeviceError`, and what `scored` throws.
  public func score(_ requests: [ScoreRequest], scored: (_ index: Int, _ score: Score) throws -> Void) throws {
    for request in requests {
      try checkTokens(request.context, vocabularySize: model.vocabularySize)
      try checkTokens(request.continuation, vocabularySize: model.vocabularySize)
    }
    // The weights may change until the next call.
    defer { prefix?.tokens = [] }
    let plan = ScoringPlan(requests, contextLength: contextLength, limits: limits)
    let positions = Self.rounded(plan.longest, steps: 1)
    for batch in plan.batches {
      let cache = try cache(of: plan.prefix(of: batch))
      var rows = ScoringRows(plan, batch)
      let (logProbabilities, greedy) = try run(&rows, positions: min(positions, contextLength), after: cache)
      for answer in rows.answers {
        var score = Score(logProbability: 0, isGreedy: true)
        for place in rows.scores[answer.scores] {
          score.logProbability += Double(logProbabilities[place])
          score.isGreedy = score.isGreedy && greedy[place] == rows.targets[place]
        }
        try scored(answer.request, score)
      }
    }
  }

  private func run(
    _ rows: inout ScoringRows, positions: Int, after cache: KeyValueCache?
  ) throws -> (logProbabilities: [Float], greedy: [Int32]) {
    let shape = ScoringProgram.Shape(
      rows: Self.rounded(rows.tokens.count), scores: Self.rounded(rows.targets.count), positions: positions)
    rows.pad(rows: shape.rows, scores: shape.scores)
    let program = try program(shape, after: cache)
    for (values, tensor) in [
      (rows.tokens, program.tokens), (rows.positions, program.positions), (rows.spans, program.spans),
      (rows.scoredRows, program.scoredRows), (rows.targets, program.targets),
    ] { store.device.upload(values, to: tensor) }
    try program.run()
    return try program.readScores()
  }

  private func program(_ shape: ScoringProgram.Shape, after cache: KeyValueCache?) throws -> ScoringProgram {
    let key = ProgramKey(shape: shape, hasPrefix: cache != nil)
    if let program = programs[key] { return program }
    if programs.count == Self.programLimit { programs.removeAll() }
    let program = try ScoringProgram(model, store: store, shape: shape, prefix: cache)
    programs[key] = program
    return program
  }

  /// A size that few programs serve, at most a sixteenth (or with fewer `steps` to an octave more) above what is needed.
  static func rounded(_ count: Int, steps: Int = 16) -> Int {
    guard count > 16 else { return 16 }
    let step = max(1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) / steps, 1)
    return (count + step - 1) / step * step
  }

  // MARK: Prefixes

  /// The cache with `tokens`, which are run unless they are there.
  private func cache(of tokens: ArraySlice<Int32>) throws -> KeyValueCache? {
    if tokens.isEmpty { return nil }
    if let prefix, prefix.tokens == tokens { return prefix.cache }
    let cache: KeyValueCache
    if let known = prefix?.cache, known.capacity >= tokens.count {
      cache = known
    } else {
      programs = programs.filter { !$0.key.hasPrefix }
      prefix = nil
      cache = KeyValueCache(device: store.device, capacity: min(Self.rounded(tokens.count), contextLength))
    }
    prefix = nil
    var program: DecodeProgram?
    for start in stride(from: 0, to: tokens.count, by: max(limits.tokens, Self.prefixRows)) {
      let piece = tokens.dropFirst(start).prefix(max(limits.tokens, Self.prefixRows))
      if program?.length != piece.count {
        program = try DecodeProgram(model, store: store, length: piece.count, cache: cache)
      }
      _ = try program?.run(Array(piece), at: start)
    }
    prefix = (tokens, cache)
    return cache
  }
}

/// - Throws: `EvaluationError.tokenOutsideVocabulary` for the first id that the model has no embedding for.
func checkTokens(_ ids: [Int32], vocabularySize: Int) throws(EvaluationError) {
  guard let bad = ids.first(where: { $0 < 0 || Int($0) >= vocabularySize }) else { return }
  throw .tokenOutsideVocabulary(token: bad, vocabularySize: vocabularySize)
}

extension Device {
  func upload(_ ids: [Int32], to tensor: Tensor) { ids.withUnsafeBytes { upload($0, to: tensor) } }
}
