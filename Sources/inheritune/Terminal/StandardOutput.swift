@preconcurrency import Glibc

/// Results, and nothing else.
enum StandardOutput {
  static func flush() { fflush(stdout) }

  /// Sends what is still buffered.
  /// - Throws: `CommandError.outputFailed` when some of the output did not arrive: on a full disk, for one.
  static func finish() throws(CommandError) {
    guard fflush(stdout) == 0 else { throw .outputFailed(reason: String(cString: strerror(errno)).lowercased()) }
    guard ferror(stdout) == 0 else { throw .outputFailed(reason: "some of the output is missing") }
  }
}
