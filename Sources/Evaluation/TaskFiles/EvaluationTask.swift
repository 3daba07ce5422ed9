import Files
import Templates

/// A benchmark: what its YAML declares, with templates compiled and functions found.
public struct EvaluationTask: Sendable {
  /// The declared facts: names, splits, metrics, version.
  public let configuration: TaskConfiguration
  /// How a row is asked, and how an example is shown.
  let prompt: Prompt
  let examplePrompt: Prompt
  let examples: ExampleSource
  /// Goes before everything.
  let description: PromptField?
  /// Makes of a split's rows those that the task works on.
  let rows: TaskFunction?
  /// Makes metric values of scores, in place of the harness's own way.
  let results: TaskFunction?
  /// Files of its own, by split.
  let files: [String: [String]]

  public var name: String { configuration.name }
}

/// The fields and delimiters of one question.
struct Prompt: Sendable {
  var text: PromptField
  var target: PromptField
  var choices: PromptField?
  /// What the answer begins with, part of the question (`gen_prefix`).
  var answerPrefix: PromptField?
  var targetDelimiter: String
  var delimiter: String
}

/// Where few-shot examples come from and how they are chosen.
struct ExampleSource: Sendable {
  enum Choice: Sendable {
    /// Drawn for every row.
    case random
    /// The first rows, in order.
    case first
  }

  var choice: Choice
  /// Rows that the YAML itself has; nil for those of a split.
  var rows: [Row]?
  /// What is done with the rows of the few-shot split.
  var processing: TaskFunction?
}

/// The harness's four `output_type`s, without the one that generates text.
public enum OutputType: String, Sendable, CaseIterable {
  /// One request per choice; the most likely choice is the answer.
  case multipleChoice = "multiple_choice"
  /// One request: how likely is the target after the text?
  case logLikelihood = "loglikelihood"
  /// The whole text in windows: perplexity.
  case rolling = "loglikelihood_rolling"
}

/// One row, as a task asks it.
struct TaskDocument: Sendable {
  enum Question: Sendable {
    /// The text is the context of every choice.
    case multipleChoice(text: String, choices: [String], gold: Gold)
    /// Every choice makes a context of its own and the target follows each ("multiple inputs": winogrande).
    case multipleInputs(contexts: [String], target: String, gold: Gold)
    /// The target follows the text as it is, without a delimiter.
    case logLikelihood(text: String, target: String)
    /// `text` is scored whole; words and bytes are those that perplexities are counted in.
    case rolling(text: String, words: Int, bytes: Int)
  }

  /// Which choices are right.
  enum Gold: Sendable, Equatable {
    /// An index outside the choices is never right.
    case index(Int)
    /// Any of several, where the task's first row has several.
    case anyOf([Int])
  }

  /// The row, with the columns that the task's own processing adds.
  let row: Row
  let question: Question
  /// The right answer as the harness's samples show it: an index, a text or a list.
  let target: PythonValue
  /// What the task's own function makes of the scores.
  let results: TaskFunction.ResultItems?
}
