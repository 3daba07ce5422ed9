import Glibc

extension Double {
  var log10: Double { Glibc.log10(self) }
  static func power(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }
}

extension Sequence<Double> {
  var median: Double {
    let sorted = sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
