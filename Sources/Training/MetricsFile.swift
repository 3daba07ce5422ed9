import Files
import Glibc

/// The run's metrics.jsonl: one JSON object a line, each step once.
///
/// Lines are written whole, and are on the disk before the checkpoint of their step is. A run that goes on at step N
/// cuts off what an interrupted session wrote after it.
final class MetricsFile {
  static let fileName = "metrics.jsonl"

  let path: String
  private let descriptor: Int32
  /// What the lines of the step at which the run goes on hold besides training metrics.
  private var keysAtStart: Set<String> = []

  /// Opens the file and cuts off the lines of later steps, and a last line that is not whole.
  /// - Parameter step: the last step whose lines stay; nil for a new run, which keeps none.
  /// - Throws: `FileError`, `TrainingError.writeFailed`.
  init(_ path: String, keepingUpTo step: Int?) throws {
    self.path = path
    let kept = try step.map { try MetricsFile.lines(of: path, upTo: $0) } ?? []
    try AtomicFile.write(path) { writer in
      for line in kept {
        try writer.write(line.text)
        try writer.write("\n")
      }
    }
    for line in kept where line.step == step {
      for key in ["validation_loss", "task"] where line.object[key] != nil { keysAtStart.insert(key) }
    }
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw TrainingError.writeFailed(path: path, reason: systemReason()) }
  }

  deinit { close(descriptor) }

  /// Whether the step at which the run goes on has its validation line already.
  var hasValidationAtStart: Bool { keysAtStart.contains("validation_loss") }
  /// Whether the step at which the run goes on has its evaluation lines already.
  var hasEvaluationAtStart: Bool { keysAtStart.contains("task") }

  /// Appends one line, or several at once.
  func append(_ objects: JSONObject...) throws(TrainingError) { try append(objects) }

  func append(_ objects: [JSONObject]) throws(TrainingError) {
    var bytes = Array(objects.map { JSON.object($0).serialized() + "\n" }.joined().utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .writeFailed(path: path, reason: systemReason()) }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Everything appended so far is on the disk after this.
  func synchronize() throws(TrainingError) {
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .writeFailed(path: path, reason: systemReason()) }
  }

  private struct Line {
    var text: String
    var step: Int
    var object: JSONObject
  }

  /// The whole lines of steps up to `step`. What is no metrics line was cut by a crash of the machine and is left out.
  private static func lines(of path: String, upTo step: Int) throws -> [Line] {
    guard FileTree.exists(path) else { return [] }
    return try MappedFile(path).withBytes { bytes in
      bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
        let bytes = UnsafeRawBufferPointer(rebasing: line)
        do {
          let object = try JSON(parsing: bytes).object ?? JSONObject()
          guard let found = object["step"]?.integer, found <= step else { return nil }
          return Line(text: String(decoding: bytes, as: UTF8.self), step: found, object: object)
        } catch {
          return nil
        }
      }
    }
  }
}

/// The system's words for the current `errno`.
func systemReason(_ code: Int32 = errno) -> String { String(cString: strerror(code)).lowercased() }
