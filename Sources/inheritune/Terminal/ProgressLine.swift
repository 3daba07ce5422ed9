import Dispatch
import Glibc

/// How far long work is, on standard error: one line that is rewritten on a terminal, plain lines now and then elsewhere.
final class ProgressLine {
  private let isTerminal: Bool
  /// Seconds between two updates.
  private let interval: Double
  private let started = DispatchTime.now().uptimeNanoseconds
  private var lastUpdate: UInt64
  private var stage: (label: String, started: UInt64, done: Int)?
  private var isLineOpen = false

  init(isTerminal: Bool = StandardError.isTerminal) {
    self.isTerminal = isTerminal
    interval = isTerminal ? 0.2 : 10
    lastUpdate = started
  }

  /// Seconds since the line was made.
  var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9 }

  /// Shows `text`, unless the last update was a moment ago.
  func update(_ text: @autoclosure () -> String) {
    let now = DispatchTime.now().uptimeNanoseconds
    guard Double(now - lastUpdate) / 1e9 >= interval else { return }
    lastUpdate = now
    show(text())
  }

  /// Shows `done` of `total` in `unit`, with rate and time left. The rate is that since the first update with this
  /// label: what went before it, or was done by an earlier process, does not count.
  func update(_ label: String, done: Int, total: Int, unit: Unit, note: @autoclosure () -> String = "") {
    let now = DispatchTime.now().uptimeNanoseconds
    let stage = stage.flatMap { $0.label == label ? $0 : nil } ?? (label: label, started: now, done: done)
    self.stage = stage
    update(
      ProgressLine.text(
        label, done: done, total: total, unit: unit, ran: done - stage.done, seconds: Double(now - stage.started) / 1e9)
        + note())
  }

  /// A line of its own that stays.
  func print(_ text: String) {
    clear()
    StandardError.write(text + "\n")
  }

  /// Ends the line that is being rewritten.
  func clear() {
    if isLineOpen { StandardError.write("\r\u{1B}[K") }
    isLineOpen = false
  }

  private func show(_ text: String) {
    if isTerminal {
      StandardError.write("\r\u{1B}[K" + text)
      isLineOpen = true
    } else {
      StandardError.write(text + "\n")
    }
  }

  enum Unit: String {
    case bytes, tokens, windows

    func share(_ done: Int, of total: Int) -> String {
      switch self {
      case .bytes: "\(Format.bytes(done)) of \(Format.bytes(total))"
      case .tokens, .windows: "\(Format.count(done)) of \(Format.count(total)) \(rawValue)"
      }
    }

    func rate(_ rate: Double) -> String {
      switch self {
      case .bytes: "\(Format.bytes(Int(rate)))/s"
      case .tokens, .windows: "\(rate.formatted(rate < 10 ? 1 : 0)) \(rawValue)/s"
      }
    }
  }

  /// - Parameter ran: how much of `done` took `seconds`.
  static func text(_ label: String, done: Int, total: Int, unit: Unit, ran: Int, seconds: Double) -> String {
    let text = "\(label): \(unit.share(done, of: total))"
    guard ran > 0, seconds > 0 else { return text }
    let rate = Double(ran) / seconds
    return text + ", \(unit.rate(rate)), \(Format.duration(Double(total - done) / rate)) left"
  }
}
