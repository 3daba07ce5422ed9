import Files
import Foundation

/// Reads `DIR/<task>/<split>.jsonl`: one JSON object a line, blank lines skipped.
enum RowFile {
  /// The path of a task's split.
  static func path(directory: String, task: String, split: String) -> String { "\(directory)/\(task)/\(split).jsonl" }

  /// Checks that a task's folder and split exist, naming what is there instead.
  static func locate(directory: String, task: String, split: String, known: [String]) throws -> String {
    let folder = "\(directory)/\(task)"
    let path = Self.path(directory: directory, task: task, split: split)
    if FileManager.default.fileExists(atPath: path) { return path }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue else {
      let present = known.filter { FileManager.default.fileExists(atPath: "\(directory)/\($0)") }
      throw EvaluationError.missingTaskFolder(task: task, path: folder, present: present)
    }
    let found = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".jsonl") }.sorted()
    throw EvaluationError.missingSplit(task: task, split: split, path: path, found: found)
  }

  /// All rows of a file, in file order; never empty.
  static func read(_ path: String) throws -> [Row] {
    try MappedFile(path).withBytes { try read($0, path: path) }
  }

  private static func read(_ bytes: UnsafeRawBufferPointer, path: String) throws -> [Row] {
    var rows: [Row] = []
    var start = 0
    var line = 0
    while start < bytes.count {
      line += 1
      var end = start
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      let content = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      if content.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) { continue }
      let value: JSON
      do { value = try JSON(parsing: content) } catch {
        throw EvaluationError.row(path: path, line: line, reason: "not a JSON object: \(error)")
      }
      guard case .object(let columns) = value else {
        throw EvaluationError.row(path: path, line: line, reason: "expected a JSON object with the row's columns")
      }
      rows.append(Row(columns: columns, path: path, line: line))
    }
    if rows.isEmpty { throw EvaluationError.emptySplit(path: path) }
    return rows
  }
}
