import ArgumentParser
import Inheritance

extension Slice {
  /// Writes the new model behind a progress line. A signal ends it with its status, and nothing is written.
  func write(to destination: String, replacing: Bool, as verb: String, _ progress: ProgressLine) throws {
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
