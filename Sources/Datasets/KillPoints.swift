/// For tests: the places at which a kill must do no harm. One of them ends the run, and leaves the files as a kill would.
final class KillPoints {
  private var left: Int

  /// - Parameter survived: how many are passed before that.
  init(after survived: Int) { left = survived }

  func pass() throws(InjectedFault) {
    if left == 0 { throw InjectedFault() }
    left -= 1
  }
}

struct InjectedFault: Error {}
