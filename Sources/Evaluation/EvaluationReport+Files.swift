import Files

extension EvaluationReport {
  /// The files that `write` makes, in order, without their folder.
  public func fileNames(logsSamples: Bool) -> [String] {
    let samples = ["documents.jsonl"] + result.tasks.map { "samples_\($0.configuration.name).jsonl" }
    return ["results.json", "table.md"] + (logsSamples ? samples : [])
  }

  /// Writes `results.json` and `table.md`, and with `logsSamples` also `documents.jsonl` and a `samples_<task>.jsonl`
  /// per task, into a folder that is made if it is missing. Each file appears whole or not at all; `results.json` comes
  /// last, so a folder that has it is complete. The samples need `EvaluationOptions.keepsDocuments`.
  /// What an earlier evaluation has left there under these names goes, so that samples never stand beside results that are
  /// not theirs.
  /// - Returns: the paths written.
  /// - Throws: `FileError`.
  @discardableResult
  public func write(to directory: String, logsSamples: Bool) throws -> [String] {
    func path(_ name: String) -> String { "\(directory)/\(name)" }
    try FileTree.makeDirectory(directory)
    for name in try FileTree.names(in: directory)
    where name == "documents.jsonl" || name.hasPrefix("samples_") && name.hasSuffix(".jsonl") {
      try FileTree.remove(path(name))
    }
    if logsSamples {
      try AtomicFile.write(path("documents.jsonl")) { file in
        for task in result.tasks {
          for document in task.documents {
            try file.write(JSON.object(SampleRow.document(document, task: task.configuration.name)).serialized() + "\n")
          }
        }
      }
      for task in result.tasks {
        try AtomicFile.write(path("samples_\(task.configuration.name).jsonl")) { file in
          for document in task.documents { try file.write(JSON.object(SampleRow.sample(document)).serialized() + "\n") }
        }
      }
    }
    let results = results
    try AtomicFile.write(path("table.md")) { try $0.write(ResultsTable(.object(results)).text + "\n") }
    try AtomicFile.write(path("results.json")) { try $0.write(JSON.object(results).serialized(indent: 2)) }
    return fileNames(logsSamples: logsSamples).map(path)
  }
}
