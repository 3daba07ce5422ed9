import Files

/// Reads `DIR/<task>/<split>.jsonl`: one JSON object a line, blank lines skipped.
enum RowFile {
  /// The path of a task's split.
  static func path(directory: String, task: String, split: String) -> String { "\(directory)/\(task)/\(split).jsonl" }

  /// The path of a task's split, which is there.
  /// - Throws: `EvaluationError.missingSplit` naming what is there instead; `FileError`.
  static func locate(directory: String, task: String, split: String) throws -> String {
    let path = path(directory: directory, task: task, split: split)
    if FileTree.exists(path) { return path }
    let folder = FileTree.parent(of: path)
    let found = FileTree.isDirectory(folder) ? try FileTree.names(in: folder).filter { $0.hasSuffix(".jsonl") } : []
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
