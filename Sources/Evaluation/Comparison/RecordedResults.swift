import Files
import Foundation
import Templates

/// Results that were written to a disk, by this program or by the lm-evaluation-harness.
public struct RecordedResults: Sendable {
  /// A metric of a task or a group.
  struct Value: Sendable {
    var metric: String
    var filter: String
    var value: Double
    var standardError: Double?
  }

  /// A task, or a group that has values of its own.
  struct Entry: Sendable {
    var title: String
    /// In order of name.
    var values: [Value]
    /// Where in `values` each is.
    var places: [PairedMetric: Int]
    /// Metrics whose value is no number, as "<metric>,<filter>".
    var unreadable: [String]
    /// As it is shown; nil where the file has none.
    var version: String?
    var fewShot: Int?
    /// Documents that were scored.
    var documentCount: Int?
    var directions: [String: Bool]

    /// The value of the same metric under the same filter.
    subscript(other: Value) -> Value? { places[PairedMetric(other)].map { values[$0] } }
  }

  /// The file with the results object.
  public let path: String
  /// The model's name, as the file has it.
  public let model: String?
  let entries: [String: Entry]
  let groupSubtasks: JSON?

  /// Opens results.
  /// - Parameter path: a results file, or a directory that holds one: `results.json` as this program writes it, or
  ///   `results_<time>.json` as the harness does, the newest of several, in the directory or in its only one below.
  /// - Throws: `EvaluationError.resultsFile`, `.noResults`; `FileError`.
  public init(_ path: String) throws {
    self.path = FileTree.isDirectory(path) ? try Self.locate(path) : path
    let json: JSON
    do { json = try JSON(contentsOf: self.path) } catch let error as JSONError {
      throw EvaluationError.resultsFile(path: self.path, reason: "not JSON: \(error)")
    }
    let reader = ResultsReader(path: self.path, json: json)
    entries = try reader.entries()
    groupSubtasks = json["group_subtasks"]
    model = json["model_name"]?.string
  }

  private static func locate(_ directory: String) throws -> String {
    if let own = try newest(in: directory) { return own }
    let below = try FileTree.names(in: directory).map { directory + "/" + $0 }.filter(FileTree.isDirectory)
    let found = try below.compactMap(newest)
    guard let only = found.first, found.count == 1 else {
      throw EvaluationError.noResults(path: directory, candidates: found.map(FileTree.parent))
    }
    return only
  }

  /// The harness's times sort as text.
  private static func newest(in directory: String) throws -> String? {
    let names = try FileTree.names(in: directory)
    if names.contains("results.json") { return directory + "/results.json" }
    return names.last { Glob("results_*.json").matches($0) }.map { directory + "/" + $0 }
  }

  /// The file with a task's samples; nil without one. The harness gives both files the same time.
  func samplesPath(of task: String) -> String? {
    let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[path.index(after: $0)...] } ?? path[...]
    let time = name.dropLast(5).split(separator: "_", omittingEmptySubsequences: false).dropFirst().last ?? ""
    let suffix = time.wholeMatch(of: /\d{4}-\d{2}-\d{2}T.*/) == nil ? "" : "_\(time)"
    let samples = "\(FileTree.parent(of: path))/\(ResultFiles.samples(of: task, suffix: suffix))"
    return FileTree.isFile(samples) ? samples : nil
  }
}

/// Reads the entries of a results object, which anybody may have written.
private struct ResultsReader {
  let path: String
  let json: JSON

  func entries() throws(EvaluationError) -> [String: RecordedResults.Entry] {
    guard let results = json["results"]?.object else { throw wrong("results", "an object with the tasks") }
    var entries: [String: RecordedResults.Entry] = [:]
    for (name, value) in results {
      guard let object = value.object else { throw wrong("results.\(name)", "an object with the task's metrics") }
      var directions: [String: Bool] = [:]
      for (metric, direction) in json["higher_is_better"]?[name]?.object ?? [:] { directions[metric] = direction.bool }
      let (values, unreadable) = values(object)
      entries[name] = RecordedResults.Entry(
        title: object["alias"]?.string ?? name, values: values,
        places: Dictionary(values.enumerated().map { (PairedMetric($1), $0) }) { first, _ in first },
        unreadable: unreadable, version: version(of: name),
        fewShot: json["n-shot"]?[name]?.integer,
        documentCount: json["n-samples"]?[name]?["effective"]?.integer ?? object["sample_len"]?.integer,
        directions: directions)
    }
    return entries
  }

  /// The members called "<metric>,<filter>", in order of name, and the names of those that are no numbers.
  private func values(_ entry: JSONObject) -> (values: [RecordedResults.Value], unreadable: [String]) {
    var values: [RecordedResults.Value] = []
    var unreadable: [String] = []
    for (key, value) in entry.sorted(by: { PythonString.precedes($0.key, $1.key) }) {
      let parts = key.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[0].hasSuffix("_stderr") else { continue }
      guard let number = value.double else {
        unreadable.append(key)
        continue
      }
      values.append(
        RecordedResults.Value(
          metric: parts[0], filter: parts[1], value: number,
          standardError: entry["\(parts[0])_stderr,\(parts[1])"]?.double))
    }
    return (values, unreadable)
  }

  private func version(of task: String) -> String? {
    switch json["versions"]?[task] {
    case .string(let text)?: text
    case .integer(let number)?: "\(number)"
    case .number(let number)?: Int64(exactly: number).map { "\($0)" } ?? JSON.number(number).serialized()
    default: nil
    }
  }

  private func wrong(_ key: String, _ expected: String) -> EvaluationError {
    .resultsFile(path: path, reason: "key '\(key)': expected \(expected)")
  }
}
