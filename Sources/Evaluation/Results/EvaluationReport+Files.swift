import Files
import Templates

extension EvaluationReport {
  /// The files that `write` makes, in order, without their folder.
  public func fileNames(logsSamples: Bool) -> [String] {
    let samples = ["documents.jsonl"] + result.tasks.map { Self.samplesName($0.configuration.name) }
    return ["results.json", "table.md"] + (preset == nil ? [] : ["paper.md"]) + (logsSamples ? samples : [])
  }

  /// A task's name may be anything that a YAML file says; what is written stays in the folder.
  private static func samplesName(_ task: String) -> String {
    "samples_\(PythonString.replace(task, "/", with: "__")).jsonl"
  }

  /// Writes `results.json` and `table.md`, of a preset also its table as `paper.md`, and with `logsSamples` also
  /// `documents.jsonl` and a `samples_<task>.jsonl` per task, into a folder that is made if it is missing. Each file
  /// appears whole or not at all, and `results.json` last: in a new folder it says that the others are there. What an
  /// earlier evaluation has left and this one does not replace goes once the new files are written. The samples need
  /// `EvaluationOptions.keepsDocuments`.
  /// - Returns: the paths written.
  /// - Throws: `FileError`.
  @discardableResult
  public func write(to directory: String, logsSamples: Bool) throws -> [String] {
    func path(_ name: String) -> String { "\(directory)/\(name)" }
    try FileTree.makeDirectory(directory)
    if logsSamples {
      try AtomicFile.write(path("documents.jsonl")) { file in
        for task in result.tasks {
          for document in task.documents {
            try file.write(JSON.object(SampleRow.document(document, task: task.configuration.name)).serialized() + "\n")
          }
        }
      }
      for task in result.tasks {
        try AtomicFile.write(path(Self.samplesName(task.configuration.name))) { file in
          for document in task.documents { try file.write(JSON.object(SampleRow.sample(document)).serialized() + "\n") }
        }
      }
    }
    let results = results
    try AtomicFile.write(path("table.md")) { try $0.write(ResultsTable(.object(results)).text + "\n") }
    if let presetTable { try AtomicFile.write(path("paper.md")) { try $0.write(presetTable) } }
    let own = Set(fileNames(logsSamples: logsSamples))
    for name in try FileTree.names(in: directory)
    where !own.contains(name)
      && (["documents.jsonl", "paper.md"].contains(name) || Glob("samples_*.jsonl").matches(name))
    {
      try FileTree.remove(path(name))
    }
    try AtomicFile.write(path("results.json")) { try $0.write(JSON.object(results).serialized(indent: 2)) }
    return fileNames(logsSamples: logsSamples).map(path)
  }
}
