import Files

extension EvaluationReport {
  /// The files that `write` makes, in order, without their folder.
  /// - Throws: `EvaluationError.sameSamplesFile`.
  public func fileNames(logsSamples: Bool) throws(EvaluationError) -> [String] {
    try ResultFiles.names(
      tasks: result.tasks.map(\.configuration.name), hasPreset: preset != nil, logsSamples: logsSamples)
  }

  /// Writes `results.json` and `table.md`, of a preset also its table as `paper.md`, and with `logsSamples` also
  /// `documents.jsonl` and a `samples_<task>.jsonl` per task, into a folder that is made if it is missing. Each file
  /// appears whole or not at all, and `results.json` last: in a new folder it says that the others are there. What an
  /// earlier evaluation has left, as its `results.json` says, and this one does not replace goes once the new files are
  /// written. The samples need `EvaluationOptions.keepsDocuments`.
  /// - Returns: the paths written.
  /// - Throws: `FileError`, `EvaluationError.sameSamplesFile`.
  @discardableResult
  public func write(to directory: String, logsSamples: Bool) throws -> [String] {
    func path(_ name: String) -> String { "\(directory)/\(name)" }
    let names = try fileNames(logsSamples: logsSamples)
    try FileTree.makeDirectory(directory)
    let earlier = try Self.earlierNames(path(ResultFiles.results))
    if logsSamples {
      try AtomicFile.write(path(ResultFiles.documents)) { file in
        for task in result.tasks {
          for document in task.documents {
            try file.write(JSON.object(SampleRow.document(document, task: task.configuration.name)).serialized() + "\n")
          }
        }
      }
      for task in result.tasks {
        try AtomicFile.write(path(ResultFiles.samples(of: task.configuration.name))) { file in
          for document in task.documents { try file.write(JSON.object(SampleRow.sample(document)).serialized() + "\n") }
        }
      }
    }
    let results = results
    try AtomicFile.write(path(ResultFiles.table)) { try $0.write(ResultsTable(.object(results)).text + "\n") }
    if let presetTable { try AtomicFile.write(path(ResultFiles.preset)) { try $0.write(presetTable) } }
    let stale = earlier.subtracting(names)
    for name in try FileTree.names(in: directory) where stale.contains(name) && FileTree.isFile(path(name)) {
      try FileTree.remove(path(name))
    }
    try AtomicFile.write(path(ResultFiles.results)) { try $0.write(JSON.object(results).serialized(indent: 2)) }
    return names.map(path)
  }

  /// What the evaluation that is replaced has written; nothing is known of one whose results are damaged.
  private static func earlierNames(_ results: String) throws -> Set<String> {
    guard FileTree.isFile(results) else { return [] }
    do { return ResultFiles.names(besides: try JSON(contentsOf: results)) } catch is JSONError { return [] }
  }
}
