/// A benchmark: what it asks about a row. One file per task under `Tasks/`.
///
/// A task is the harness's YAML (`configuration`) and the reading of one row (`document`). Everything else, few-shot
/// text, encoding, metrics and files, follows from these two and is the same for all tasks.
public protocol EvaluationTask: Sendable {
  /// The declared facts: names, splits, metrics, version, and the prompt as the harness's YAML writes it.
  var configuration: TaskConfiguration { get }

  /// What the task asks about a row.
  /// - Throws: `EvaluationError.row` when a column is missing or has the wrong type.
  func document(_ row: Row) throws(EvaluationError) -> TaskDocument
}

extension EvaluationTask {
  public var name: String { configuration.name }
}

/// The harness's four `output_type`s, without the one that generates text.
public enum OutputType: String, Sendable {
  /// One request per choice; the most likely choice is the answer.
  case multipleChoice = "multiple_choice"
  /// One request: how likely is the target after the text?
  case logLikelihood = "loglikelihood"
  /// The whole text in windows: perplexity.
  case rolling = "loglikelihood_rolling"
}

/// One row, as a task asks it.
public struct TaskDocument: Sendable {
  public enum Question: Sendable {
    /// The text is the context of every choice. `gold` is the index of the right one; an index outside the choices is
    /// never right.
    case multipleChoice(text: String, choices: [String], gold: Int)
    /// Every choice makes a context of its own and the target follows each ("multiple inputs": winogrande).
    case multipleInputs(contexts: [String], target: String, gold: Int)
    /// The target follows the text as it is, without a delimiter.
    case logLikelihood(text: String, target: String)
    /// `text` is scored whole; words and bytes are those that perplexities are counted in.
    case rolling(text: String, words: Int, bytes: Int)
  }

  /// The row, with the columns that the task's own processing adds.
  public var row: Row
  public var question: Question

  public init(row: Row, question: Question) {
    self.row = row
    self.question = question
  }
}
