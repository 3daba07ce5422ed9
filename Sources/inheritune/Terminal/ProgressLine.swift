import Dispatch
import Glibc

/// How far long work is, on standard error: one line that is rewritten on a terminal, plain lines now and then elsewhere.
final class ProgressLine {
  private let isTerminal: Bool
  /// Seconds between two updates.
  private let interval: Double
  private let started = DispatchTime.now().uptimeNanoseconds
  private var lastUpdate: UInt64
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

  /// Shows `done` of `total` in `unit`, with rate and time left.
  func update(_ label: String, done: Int, total: Int, unit: Unit) {
    update(ProgressLine.text(label, done: done, total: total, unit: unit, seconds: seconds))
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

  enum Unit {
    case bytes, requests, windows

    func text(_ count: Double) -> String {
      switch self {
      case .bytes: Format.bytes(Int(count))
      case .requests: "\(Int(count)) requests"
      case .windows: "\(Int(count)) windows"
      }
    }
  }

  static func text(_ label: String, done: Int, total: Int, unit: Unit, seconds: Double) -> String {
    var text = "\(label): \(unit.text(Double(done))) of \(unit.text(Double(total)))"
    guard done > 0, seconds > 0 else { return text }
    let rate = Double(done) / seconds
    text += ", \(unit.text(rate))/s, \(Format.duration(Double(total - done) / rate)) left"
    return text
  }
}
