import Files
import Glibc
import Models
import Programs
import Tensors

/// Validation loss on prepared tokens (`eval --tokens`): the stream is cut into windows of the model's context length,
/// each token after the first is predicted once, by the tokens before it in its own window.
public struct TokenLoss: Sendable {
  /// Mean negative log-likelihood per predicted token, natural logarithm.
  public var loss: Double
  /// Predicted tokens.
  public var tokens: Int
  public var windows: Int
  public var contextLength: Int

  public var perplexity: Double { exp(loss) }

  /// For `--json`.
  public var json: JSONObject {
    [
      "loss": .number(loss), "perplexity": .number(perplexity), "tokens": .integer(Int64(tokens)),
      "windows": .integer(Int64(windows)), "context_length": .integer(Int64(contextLength)),
    ]
  }

  /// Measures a model's loss on a stream of `count` tokens, which is never held whole.
  /// - Parameters:
  ///   - batchTokens: tokens of a batch at most; a longer window is a batch of its own. The result depends on it by
  ///     rounding alone.
  ///   - maximumWindows: only that many windows from the start; nil is all.
  ///   - copy: writes the ids at `range` of the stream to memory that has room for them.
  ///   - progress: told (windows done, all windows).
  /// - Throws: `EvaluationError.tooFewTokens`, `invalidOption`, `tokenOutsideVocabulary`; `GraphError`, `DeviceError`; what `copy`
  ///   throws.
  public static func measure(
    count: Int, model: Model, store: ParameterStore, batchTokens: Int = 2048, maximumWindows: Int? = nil,
    copy: (_ range: Range<Int>, _ destination: UnsafeMutablePointer<Int32>) throws -> Void,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> TokenLoss {
    // A stream shorter than the context makes one window of its own length.
    let T = min(model.contextLength, max(count - 1, 1))
    let B = max(1, min(batchTokens / T, windowCount(count, contextLength: T)))
    let program = try LossProgram(model, store: store, rows: B, length: T)
    var ids = [Int32](repeating: 0, count: T + 1)
    return try measure(
      count: count, contextLength: T, rows: B, maximumWindows: maximumWindows,
      score: { windows in
        // Rows and positions beyond the data have target −1, which the loss ignores.
        var tokens = [Int32](repeating: 0, count: B * T)
        var targets = [Int32](repeating: -1, count: B * T)
        for (row, window) in windows.enumerated() {
          try ids.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { try copy(window, base) } }
          let inputs = ids[..<(window.count - 1)]
          try checkTokens(Array(ids[..<window.count]), vocabularySize: model.vocabularySize)
          tokens.replaceSubrange(row * T..<row * T + inputs.count, with: inputs)
          targets.replaceSubrange(row * T..<row * T + inputs.count, with: ids[1..<window.count])
        }
        store.device.upload(tokens, to: program.tokens)
        store.device.upload(targets, to: program.targets)
        try program.run()
        let losses = try program.readLosses()
        return windows.indices.map { row in
          losses[row * T..<(row + 1) * T].reduce(0) { $0 + Double($1) }
        }
      }, progress: progress)
  }

  /// The loss of a stream from that of its windows.
  /// - Parameters:
  ///   - rows: windows handed to `score` together, at most.
  ///   - score: Σ −log P over each range's tokens but its first. A range has at most `contextLength + 1` tokens: the
  ///     inputs are all but its last, the targets all but its first.
  static func measure(
    count: Int, contextLength: Int, rows: Int, maximumWindows: Int? = nil,
    score: (_ ranges: [Range<Int>]) throws -> [Double], progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> TokenLoss {
    guard count >= 2 else { throw EvaluationError.tooFewTokens(found: count) }
    if let maximumWindows, maximumWindows < 1 {
      throw EvaluationError.invalidOption(name: "windows", value: "\(maximumWindows)", expected: "1 or more")
    }
    let available = windowCount(count, contextLength: contextLength)
    let windows = min(available, maximumWindows ?? available)
    var sum = 0.0
    var tokens = 0
    for first in stride(from: 0, to: windows, by: rows) {
      let ranges = (first..<min(first + rows, windows)).map { window in
        let start = window * contextLength
        return start..<min(start + contextLength + 1, count)
      }
      sum += try score(ranges).reduce(0, +)
      tokens += ranges.reduce(0) { $0 + $1.count - 1 }
      progress(first + ranges.count, windows)
    }
    return TokenLoss(loss: sum / Double(tokens), tokens: tokens, windows: windows, contextLength: contextLength)
  }

  private static func windowCount(_ tokens: Int, contextLength: Int) -> Int { (tokens - 2) / contextLength + 1 }
}

extension TokenLoss {
  /// The loss on several streams: the mean over all their tokens.
  public init(total parts: [TokenLoss]) {
    let tokens = parts.reduce(0) { $0 + $1.tokens }
    self.init(
      loss: parts.reduce(0) { $0 + $1.loss * Double($1.tokens) } / Double(tokens), tokens: tokens,
      windows: parts.reduce(0) { $0 + $1.windows }, contextLength: parts.map(\.contextLength).max() ?? 0)
  }
}
