import Files
import Templates

/// A request with its texts and its score.
public struct RequestResult: Sendable {
  public var context: String
  public var continuation: String
  public var ids: ScoreRequest
  public var score: Score
}

/// A text scored in windows.
public struct RollingResult: Sendable {
  public var text: String
  public var ids: [Int32]
  public var windows: [(ids: ScoreRequest, logLikelihood: Double)]
  /// Sum over the windows.
  public var logLikelihood: Double
}

/// One document with everything that was asked and answered, for `documents.jsonl` and `samples_<task>.jsonl`.
public struct DocumentResult: Sendable {
  public enum Answers: Sendable {
    case requests([RequestResult])
    case rolling(RollingResult)
  }

  /// Index in the evaluated split, from 0.
  public var id: Int
  /// The row, with the columns that the task added.
  public var row: JSONObject
  /// The right answer as the harness's `doc_to_target` gives it: an index, a text, or a list of indices.
  public var target: PythonValue
  public var answers: Answers
  /// In the order of the task's metrics.
  public var metrics: [(name: String, item: MetricItem)]
}
