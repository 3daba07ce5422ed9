/// What can be wrong with an evaluation. Every message is one line that names the file, line or task and says what to
/// do.
public enum EvaluationError: Error, CustomStringConvertible, Sendable {
  case unknownTask(name: String, near: [String])
  case noTaskMatches(pattern: String)
  case missingTaskFolder(task: String, path: String, present: [String])
  case missingSplit(task: String, split: String, path: String, found: [String])
  case emptySplit(path: String)
  /// A line of a rows file that is not what the task needs. `reason` names the key, what was expected and what was
  /// found.
  case row(path: String, line: Int, reason: String)
  /// A task's YAML that is not understood, or asks for what there is not. `location` is `file:line`.
  case taskFile(location: String, reason: String)
  case noPrefixToken
  case noBOS
  case fewShotPool(task: String, path: String, needed: Int, found: Int)
  case invalidLimit(Double)
  case invalidOption(name: String, value: String, expected: String)
  /// A continuation that has no tokens of its own, or more than the model's window.
  case continuation(task: String, path: String, line: Int, tokens: Int, contextLength: Int)
  /// A scorer that answers with too few scores, or with one twice.
  case scoreCount(expected: Int, found: Int)
  case textNotUTF8(path: String, offset: Int)
  case emptyText(path: String)
  case tooFewTokens(found: Int)
  case tokenOutsideVocabulary(token: Int32, vocabularySize: Int)
  case noTasks
  /// A file where the journal of scores should be that is not this evaluation's.
  case otherJournal(path: String, difference: String)
  /// A results file that is to be compared and is none. `reason` names the key and what was expected.
  case resultsFile(path: String, reason: String)
  /// A directory without results, or with several below it.
  case noResults(path: String, candidates: [String])
  case nothingInCommon(a: String, b: String)
  case notInPreset(task: String, tasks: [String])
  /// Two tasks whose samples have one file name.
  case sameSamplesFile(name: String, tasks: [String])
  /// Folders of several tasks that are not in the data's directory.
  case missingTaskFolders(directory: String, tasks: [String])

  public var description: String { message.oneLine }

  private var message: String {
    switch self {
    case .unknownTask(let name, let near):
      return "no task is called '\(name)'; "
        + (near.isEmpty
          ? "--tasks list shows them" : "did you mean \(near.joined(separator: ", "))? --tasks list shows all")
    case .noTaskMatches(let pattern):
      return "no task matches '\(pattern)'; --tasks list shows them"
    case .missingTaskFolder(let task, let path, let present):
      return "\(path): no such folder, but task '\(task)' reads its rows there; tasks present: "
        + (present.isEmpty ? "none" : present.joined(separator: ", "))
    case .missingSplit(let task, let split, let path, let found):
      return "\(path): missing, but task '\(task)' is scored on split '\(split)'; found "
        + (found.isEmpty ? "no .jsonl file" : found.joined(separator: ", "))
    case .emptySplit(let path):
      return "\(path): no rows; one JSON object a line is expected"
    case .row(let path, let line, let reason):
      return "\(path):\(line): \(reason)"
    case .taskFile(let location, let reason):
      return "\(location): \(reason)"
    case .noPrefixToken:
      return "the tokenizer has neither a BOS nor an EOS token, and scoring needs one as the first context"
    case .noBOS:
      return "--bos yes: the tokenizer has no BOS token; use --bos auto or --bos no"
    case .fewShotPool(let task, let path, let needed, let found):
      return "\(path): task '\(task)' draws \(needed) few-shot rows from here, but there are \(found); "
        + "add rows or lower --num-fewshot"
    case .invalidLimit(let limit):
      return "--limit \(limit): expected a number of rows of at least 1, or a fraction between 0 and 1"
    case .invalidOption(let name, let value, let expected):
      return "\(name) \(value): expected \(expected)"
    case .continuation(let task, let path, let line, let tokens, let contextLength):
      if tokens == 0 {
        return "\(path):\(line): task '\(task)': the tokenizer gives the answer no token of its own after the context, "
          + "so it cannot be scored; remove the row"
      }
      return "\(path):\(line): task '\(task)': an answer of \(tokens) tokens does not fit the model's window of "
        + "\(contextLength); remove the row or use a model with a longer context"
    case .scoreCount(let expected, let found):
      return "the scorer answered \(expected) requests with \(found) scores, or one of them twice"
    case .textNotUTF8(let path, let offset):
      return "\(path): not UTF-8 at byte \(offset); convert the file (iconv -t UTF-8)"
    case .emptyText(let path):
      return "\(path): the text is empty, so it has no perplexity"
    case .tooFewTokens(let found):
      return "\(found) tokens are too few for a validation loss; at least 2 are needed"
    case .tokenOutsideVocabulary(let token, let vocabularySize):
      return "token id \(token) is outside the model's vocabulary of \(vocabularySize); "
        + "the tokenizer, or the data, belongs to another model"
    case .noTasks:
      return "no task was asked for; --tasks list shows them"
    case .resultsFile(let path, let reason):
      return "\(path): \(reason), as in results.json of inheritune eval or results_<time>.json of lm-eval"
    case .noResults(let path, let candidates):
      return "\(path): neither results.json nor results_<time>.json here; "
        + (candidates.isEmpty
          ? "name the directory that an evaluation was written to"
          : "name one of \(candidates.joined(separator: ", "))")
    case .nothingInCommon(let a, let b):
      return "\(a) and \(b) have no task in common"
    case .notInPreset(let task, let tasks):
      return "task '\(task)' is in no column of --preset paper; its tasks are \(tasks.joined(separator: ", "))"
    case .sameSamplesFile(let name, let tasks):
      return "--log-samples: the tasks \(tasks.map { "'\($0)'" }.joined(separator: " and ")) would both be written to "
        + "\(name); rename one of them"
    case .missingTaskFolders(let directory, let tasks):
      return "\(directory): no folder for \(tasks.count) tasks: \(tasks.joined(separator: ", ")); "
        + "scripts/export_eval_data.py writes them, and --tasks leaves tasks out"
    case .otherJournal(let path, let difference):
      return "\(path): \(difference); choose another --output, or give --force to replace it"
    }
  }
}
