import Glibc
import Synchronization

/// Signals that ask for something at the end of the current step.
///
/// The handler only sets a number. A second SIGINT or SIGTERM ends the process at once, by the signal's default action.
enum Signals {
  private static let stopSignal = Atomic<Int32>(0)
  private static let saveRequests = Atomic<Int>(0)

  /// SIGINT and SIGTERM ask to stop, SIGUSR1 to save and go on.
  static func install() {
    // Made now: a handler must not be what initialises them.
    stopSignal.store(0, ordering: .relaxed)
    saveRequests.store(0, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      Glibc.signal(number) { number in
        Signals.stopSignal.store(number, ordering: .relaxed)
        Glibc.signal(number, SIG_DFL)
      }
    }
    Glibc.signal(SIGUSR1) { _ in Signals.saveRequests.wrappingAdd(1, ordering: .relaxed) }
    // Whoever started this process may have blocked them, and a mask is inherited.
    var handled = sigset_t()
    sigemptyset(&handled)
    for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&handled, number) }
    pthread_sigmask(SIG_UNBLOCK, &handled, nil)
  }

  /// The signal that asked to stop.
  static var stop: Int32? {
    let number = stopSignal.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  /// Whether a save was asked for since the last call.
  static func takeSaveRequest() -> Bool { saveRequests.exchange(0, ordering: .relaxed) > 0 }

  /// Ends the process, with the signal's status, when one asked to stop.
  /// - Parameter note: what is left behind, if anything.
  static func exitIfStopped(_ progress: ProgressLine, _ note: String? = nil) {
    guard let status = stopStatus else { return }
    progress.clear()
    StandardError.write("stopped\(note.map { "; \($0)" } ?? "")\n")
    exit(status)
  }

  /// The exit status for work that a signal ended: 130 after SIGINT, 143 after SIGTERM.
  static var stopStatus: Int32? { stop.map { 128 + $0 } }
}
