import Files
import Glibc
import Templates

/// Perplexity of plain text by rolling windows (`eval --text`): every token is predicted once (lm-evaluation-harness
/// 0.4.13, `get_rolling_token_windows`).
///
/// Words are counted as WikiText's are, by runs of whitespace + 1, and bytes as the file has them, so that models with
/// different tokenizers compare.
public struct TextPerplexity: Sendable {
  /// One text's sums.
  public struct Measurement: Sendable {
    public var path: String
    /// Σ log P over all tokens, natural logarithm.
    public var logLikelihood: Double
    public var tokens: Int
    public var words: Int
    public var bytes: Int
    public var windows: Int

    /// Mean negative log-likelihood per token, the validation loss.
    public var loss: Double { -logLikelihood / Double(tokens) }
    public var tokenPerplexity: Double { exp(loss) }
    public var wordPerplexity: Double { exp(-logLikelihood / Double(words)) }
    public var bytePerplexity: Double { exp(-logLikelihood / Double(bytes)) }
    public var bitsPerByte: Double { -logLikelihood / Double(bytes) / log(2) }

    /// For `--json`: counts, then the perplexities.
    public var json: JSONObject {
      [
        "path": .string(path), "tokens": .integer(Int64(tokens)), "words": .integer(Int64(words)),
        "bytes": .integer(Int64(bytes)), "windows": .integer(Int64(windows)), "loglikelihood": .number(logLikelihood),
        "loss": .number(loss), "token_perplexity": .number(tokenPerplexity), "word_perplexity": .number(wordPerplexity),
        "byte_perplexity": .number(bytePerplexity), "bits_per_byte": .number(bitsPerByte),
      ]
    }
  }

  /// In the order of the files.
  public var files: [Measurement]
  /// All files together: sums over sums, as the harness aggregates documents.
  public var total: Measurement

  /// Scores each file as one text.
  /// - Parameter progress: told (windows done, windows of all files).
  /// - Throws: `textNotUTF8`, `emptyText`, `FileError`, and whatever the scorer throws.
  public static func measure(
    _ paths: [String], encoder: RequestEncoder, scorer: any Scorer, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> TextPerplexity {
    var measurements: [Measurement] = []
    var windows: [ScoreRequest] = []
    for path in paths {
      let text = try text(of: path)
      let ids = encoder.encode(text)
      guard !ids.isEmpty else { throw EvaluationError.emptyText(path: path) }
      let own = encoder.rollingWindows(ids, contextLength: scorer.contextLength)
      windows += own
      measurements.append(
        Measurement(
          path: path, logLikelihood: 0, tokens: ids.count, words: PythonString.countWords(text), bytes: text.utf8.count,
          windows: own.count))
    }
    var done = 0
    let scores = try scorer.scores(of: windows) { _ in
      done += 1
      progress(done, windows.count)
    }
    var rest = scores[...]
    for index in measurements.indices {
      let count = measurements[index].windows
      measurements[index].logLikelihood = rest.prefix(count).reduce(0) { $0 + $1.logProbability }
      rest = rest.dropFirst(count)
    }
    return TextPerplexity(files: measurements, total: sum(measurements))
  }

  private static func sum(_ measurements: [Measurement]) -> Measurement {
    measurements.reduce(
      into: Measurement(path: "total", logLikelihood: 0, tokens: 0, words: 0, bytes: 0, windows: 0)
    ) { total, next in
      total.logLikelihood += next.logLikelihood
      total.tokens += next.tokens
      total.words += next.words
      total.bytes += next.bytes
      total.windows += next.windows
    }
  }

  /// A file's text; anything but UTF-8 is refused, because replacement characters would change the score.
  private static func text(of path: String) throws -> String {
    try MappedFile(path).withBytes { bytes in
      if bytes.isEmpty { throw EvaluationError.emptyText(path: path) }
      let utf8 = bytes.bindMemory(to: UInt8.self)
      if let bad = firstInvalidUTF8(utf8) { throw EvaluationError.textNotUTF8(path: path, offset: bad) }
      return String(decoding: utf8, as: UTF8.self)
    }
  }
}
