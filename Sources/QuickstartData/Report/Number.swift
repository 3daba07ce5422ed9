import Foundation

/// Numbers as the table and the chart show them.
enum Number {
  static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  /// Three figures at most: "1.72 M", "1.5 M", "640 k", "512".
  static func short(_ value: Int) -> String {
    switch value {
    case 999_500...: String(format: "%.3g M", Double(value) / 1e6)
    case 1000...: String(format: "%.3g k", Double(value) / 1e3)
    default: "\(value)"
    }
  }
}
