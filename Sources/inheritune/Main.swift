import ArgumentParser
import Datasets
import Evaluation
import Glibc

/// Parses the command line, runs the command, and turns errors into one line and a status.
@main
enum Main {
  static func main() {
    StandardDescriptors.open()
    StandardDescriptors.raiseLimit()
    do {
      var command = try Inheritune.parseAsRoot()
      try command.run()
      try StandardOutput.finish()
    } catch let status as ExitCode {
      exit(status.rawValue)
    } catch {
      end(with: error)
    }
  }

  /// 0 for help and version, 64 for wrong usage, 1 for everything else.
  private static func end(with error: any Error) -> Never {
    let status = isInvalidOption(error) ? .validationFailure : Inheritune.exitCode(for: error)
    if status == .success {
      print(Inheritune.fullMessage(for: error))
      exit(0)
    }
    if status == .validationFailure {
      let usage = usage(for: error)
      StandardError.write("error: \(Inheritune.message(for: error))\n" + (usage.isEmpty ? "" : usage + "\n"))
      exit(status.rawValue)
    }
    StandardError.write("error: \(error)\n")
    exit(1)
  }

  /// Options whose values the rooms check themselves, because callers of the library give them too.
  private static func isInvalidOption(_ error: any Error) -> Bool {
    switch error {
    case DatasetError.invalidOption, EvaluationError.invalidOption, EvaluationError.invalidLimit: true
    default: false
    }
  }

  /// The lines that ArgumentParser adds to a message: usage, and where help is.
  private static func usage(for error: any Error) -> String {
    let lines = Inheritune.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
    return lines.drop { !$0.hasPrefix("Usage:") }.joined(separator: "\n")
  }
}
