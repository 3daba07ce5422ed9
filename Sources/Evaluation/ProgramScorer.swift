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
  /// A program for each shape of batch.
  private var programs: [ScoringPlan.Shape: ScoringProgram] = [:]

  /// Programs are small, but shapes are many in a long evaluation.
  private static let programLimit = 64

  /// - Parameters:
  ///   - store: the model's weights. Its activation arena is shared with whatever else runs on it, such as training.
  ///   - batchTokens: tokens of a batch at most, padding included; a longer sequence is a batch of its own.
  ///   - batchRows: sequences of a batch at most; nil is no limit.
  /// - Throws: `EvaluationError.invalidOption`.
  public init(
    model: Model, store: ParameterStore, batchTokens: Int = 2048, batchRows: Int? = nil
  ) throws(EvaluationError) {
    guard batchTokens > 0 else {
      throw .invalidOption(name: "--batch-tokens", value: "\(batchTokens)", expected: "1 or more")
    }
    guard batchRows.map({ $0 > 0 }) ?? true else {
      throw .invalidOption(name: "--batch-size", value: "\(batchRows ?? 0)", expected: "1 or more")
    }
    self.model = model
    self.store = store
    limits = ScoringPlan.Limits(tokens: batchTokens, rows: batchRows)
  }

  /// - Throws: `EvaluationError.tokenOutsideVocabulary`, `GraphError`, `DeviceError`.
  public func score(_ requests: [ScoreRequest], progress: (Int, Int) -> Void) throws -> [Score] {
    for request in requests {
      try checkTokens(request.context, vocabularySize: model.vocabularySize)
      try checkTokens(request.continuation, vocabularySize: model.vocabularySize)
    }
    let plan = ScoringPlan(requests, contextLength: contextLength, limits: limits)
    var scores = [Score](repeating: Score(logProbability: 0, isGreedy: true), count: requests.count)
    var done = 0
    for batch in plan.batches {
      let sequences = plan.sequences[batch.sequences]
      let rows = try run(sequences, shape: batch.shape)
      var first = 0
      for sequence in sequences {
        for part in sequence.parts { scores[part.request] = rows.score(part, of: sequence, from: first) }
        first += sequence.scoredCount
        done += sequence.parts.count
      }
      progress(done, requests.count)
    }
    return scores
  }

  private func run(_ sequences: ArraySlice<ScoringPlan.Sequence>, shape: ScoringPlan.Shape) throws -> ScoredRows {
    var tokens = [Int32](repeating: 0, count: shape.rows * shape.length)
    var positions = [Int32](repeating: 0, count: shape.scored)
    var targets = positions
    var scored = 0
    for (row, sequence) in sequences.enumerated() {
      let start = row * shape.length
      tokens.replaceSubrange(start..<start + sequence.input.count, with: sequence.input)
      sequence.forEachScored { position, target in
        positions[scored] = Int32(start + position)
        targets[scored] = target
        scored += 1
      }
    }
    let program = try program(shape)
    store.device.upload(tokens, to: program.tokens)
    if let place = program.positions { store.device.upload(positions, to: place) }
    store.device.upload(targets, to: program.targets)
    try program.run()
    let (logProbabilities, greedy) = try program.readScores()
    return ScoredRows(targets: targets, logProbabilities: logProbabilities, greedy: greedy)
  }

  private func program(_ shape: ScoringPlan.Shape) throws -> ScoringProgram {
    if let program = programs[shape] { return program }
    if programs.count == Self.programLimit { programs.removeAll() }
    let program = try ScoringProgram(
      model, store: store, rows: shape.rows, length: shape.length, scored: shape.scored)
    programs[shape] = program
    return program
  }
}

/// The scored rows of one batch.
private struct ScoredRows {
  var targets: [Int32]
  var logProbabilities: [Float]
  var greedy: [Int32]

  /// The score of a part whose sequence's rows begin at `start`.
  func score(_ part: ScoringPlan.Part, of sequence: ScoringPlan.Sequence, from start: Int) -> Score {
    let (first, last) = sequence.rows(of: part)
    var score = Score(logProbability: 0, isGreedy: true)
    func add(_ row: Int) {
      score.logProbability += Double(logProbabilities[start + row])
      score.isGreedy = score.isGreedy && greedy[start + row] == targets[start + row]
    }
    first.forEach(add)
    add(last)
    return score
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
