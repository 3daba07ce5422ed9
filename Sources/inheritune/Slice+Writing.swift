import ArgumentParser
import Files
import Inheritance

extension Slice {
  func noteMissingTokenizer(_ progress: ProgressLine) {
    guard source.tokenizerDirectory == nil else { return }
    progress.print("note: no tokenizer beside the weights, so the new model has none; --tokenizer DIR gives it one")
  }

  /// Writes the new model behind a progress line. A signal ends it with its status, and nothing is written.
  func write(to destination: String, replacing: Bool, as verb: String, _ progress: ProgressLine) throws {
    if !replacing, FileTree.exists(destination) { throw CommandError.exists(path: destination) }
    try write(to: destination, replacing: replacing, version: Inheritune.version) { done, total in
      progress.update(verb, done: done, total: total, unit: .bytes)
      // Thrown, and not `exit`: what is half written goes away.
      if let status = Signals.stopStatus {
        progress.print("stopped; nothing is written")
        throw ExitCode(status)
      }
    }
    progress.clear()
  }
}
