import Files
import Templates

/// What the files of an evaluation are called in the folder that it is written to.
public enum ResultFiles {
  /// Written last.
  public static let results = "results.json"
  static let table = "table.md"
  static let preset = "paper.md"
  static let documents = "documents.jsonl"

  /// The files that an evaluation is written to, in order.
  /// - Parameters:
  ///   - tasks: their names.
  ///   - hasPreset: whether it is run with a preset, whose table is a file too.
  ///   - logsSamples: whether the documents are written.
  /// - Throws: `EvaluationError.sameSamplesFile` for two tasks whose samples would go to one file.
  public static func names(
    tasks: [String], hasPreset: Bool, logsSamples: Bool
  ) throws(EvaluationError) -> [String] {
    let names = [results, table] + (hasPreset ? [preset] : [])
    guard logsSamples else { return names }
    var owners: [String: String] = [:]
    var samples: [String] = []
    for task in tasks {
      let name = Self.samples(of: task)
      if let owner = owners.updateValue(task, forKey: name) {
        throw .sameSamplesFile(name: name, tasks: [owner, task])
      }
      samples.append(name)
    }
    return names + [documents] + samples
  }

  /// The file with a task's sample rows. A task's name may be anything that a file says; this is always a name in the
  /// folder.
  /// - Parameter suffix: what stands before the extension: of the harness's files, "_" and the time.
  static func samples(of task: String, suffix: String = "") -> String {
    "samples_\(PythonString.replace(task, "/", with: "__"))\(suffix).jsonl"
  }

  /// The files besides `results.json` that an evaluation of this program's has left, as its results object says; none
  /// if the object is another program's.
  static func names(besides results: JSON) -> Set<String> {
    guard let own = results["inheritune"]?.object else { return [] }
    let logged = results["task_hashes"]?.object?.map { samples(of: $0.key) } ?? []
    return Set([table] + (own["preset"] == nil ? [] : [preset]) + (logged.isEmpty ? [] : [documents]) + logged)
  }
}
