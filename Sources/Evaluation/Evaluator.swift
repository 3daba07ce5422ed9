import Files
import Foundation
import Tokenization

/// Scores a model on tasks, with the semantics of the lm-evaluation-harness 0.4.13.
public struct Evaluator: Sendable {
  public let encoder: RequestEncoder
  /// Holds `<task>/<split>.jsonl`.
  public let dataDirectory: String
  public let options: EvaluationOptions
  /// Task names that are looked for when a task's folder is missing.
  let knownTasks: [String]

  /// - Parameter catalog: whose task names are looked for when a task's folder is missing.
  /// - Throws: `EvaluationError` for options out of range and a tokenizer without the tokens that scoring needs.
  public init(
    tokenizer: Tokenizer, dataDirectory: String, options: EvaluationOptions = EvaluationOptions(),
    catalog: TaskCatalog = .builtIn
  ) throws(EvaluationError) {
    try options.validate()
    encoder = try RequestEncoder(tokenizer: tokenizer, bos: options.bos)
    self.dataDirectory = dataDirectory
    self.options = options
    knownTasks = catalog.taskNames
  }

  /// Evaluates tasks. All rows of all tasks are read and checked, and all requests made, before the first is scored, so
  /// that a bad row cannot waste the work on other tasks, and so that the scorer can batch over all of them.
  /// - Throws: `EvaluationError`, `FileError`, and whatever the scorer or `progress` throws.
  public func evaluate(
    _ selection: TaskSelection, scorer: any Scorer, progress: (EvaluationProgress) throws -> Void = { _ in }
  ) throws -> EvaluationResult {
    if selection.tasks.isEmpty { throw EvaluationError.noTasks }
    try checkFolders(of: selection.tasks)
    let started = Date().timeIntervalSince1970
    let contextLength = scorer.contextLength
    var pool = RequestPool()
    let encoded = try selection.tasks.map { task in
      // Reading and encoding takes a while, in which the caller may want to stop.
      try progress(EvaluationProgress(requests: 0, requestCount: 0, tokens: 0, tokenCount: 0))
      return try EncodedTask(
        prepare(task), encoder: encoder, contextLength: contextLength, keepsDocuments: options.keepsDocuments,
        pool: &pool)
    }
    let scores = try score(pool, scorer: scorer, progress: progress)
    let tasks = encoded.map { $0.result(pool.requests, scores, options: options) }
    let tasksByName = Dictionary(tasks.map { ($0.configuration.name, $0) }) { first, _ in first }
    let groupsByName = Dictionary(selection.groups.map { ($0.name, $0) }) { first, _ in first }
    return EvaluationResult(
      tasks: tasks, groups: selection.groups.map { $0.result(tasksByName, groupsByName) }, options: options,
      addsBOS: encoder.addsBOS, prefixToken: encoder.prefixToken, bosToken: specialToken(encoder.tokenizer.bos),
      eosToken: specialToken(encoder.tokenizer.eos), contextLength: contextLength,
      seconds: Date().timeIntervalSince1970 - started, startedAt: started)
  }

  /// Checks that every task has its folder, naming all that are missing: whoever has to make them wants to know at once.
  /// - Throws: `EvaluationError.missingTaskFolder`, `.missingTaskFolders`.
  public func checkFolders(of tasks: [EvaluationTask]) throws(EvaluationError) {
    let missing = tasks.filter { task in
      task.files[task.configuration.evaluatedSplit] == nil && !FileTree.isDirectory("\(dataDirectory)/\(task.name)")
    }
    if missing.count > 1 { throw .missingTaskFolders(directory: dataDirectory, tasks: missing.map(\.name)) }
    if let task = missing.first {
      let present = knownTasks.filter { FileTree.isDirectory("\(dataDirectory)/\($0)") }
      throw .missingTaskFolder(task: task.name, path: "\(dataDirectory)/\(task.name)", present: present)
    }
  }

  private func score(
    _ pool: RequestPool, scorer: any Scorer, progress: (EvaluationProgress) throws -> Void
  ) throws -> [Score] {
    var state = EvaluationProgress(
      requests: 0, requestCount: pool.requests.count, tokens: 0, tokenCount: pool.tokenCounts.reduce(0, +))
    return try scorer.scores(of: pool.requests) { index in
      state.requests += 1
      state.tokens += pool.tokenCounts[index]
      try progress(state)
    }
  }

  private func specialToken(_ id: Int32?) -> SpecialToken? {
    id.map { SpecialToken(text: encoder.tokenizer.decode([$0], skipSpecialTokens: false), id: $0) }
  }
}
