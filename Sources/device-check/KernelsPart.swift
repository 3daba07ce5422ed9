import DeviceChecks
import Tensors

/// Every kernel against double precision, and against itself: twice the same bits.
struct KernelsPart {
  let device: any Device

  /// What is promised of a GPU. The cases' own tolerances are what the exact functions of a processor reach; a GPU's fast
  /// exponentials and quotients are a few units in the last place off.
  private static func tolerance(_ kernel: KernelCase) -> Double {
    // Exact is exact: copies, conversions, the likeliest token.
    if kernel.tolerance == 0 { return 0 }
    return max(kernel.tolerance, kernel.tolerance >= KernelCase.onePlace ? 2e-2 : 1e-5)
  }

  func run(_ report: Report) throws {
    var worst: [String: (error: Double, tolerance: Double, count: Int, description: String)] = [:]
    var failed: [String] = []
    let cases = KernelCase.all.filter { $0.runs(on: device.info) }
    for kernel in cases {
      let error = try kernel.error(on: device)
      let (first, second) = try (kernel.run(device), kernel.run(device))
      let repeats = zip(first, second).allSatisfy { zip($0, $1).allSatisfy { $0.bitPattern == $1.bitPattern } }
      let tolerance = Self.tolerance(kernel)
      if !(error <= tolerance) {
        failed.append("\(kernel): off by \(error.short()), at most \(tolerance.short()) expected")
      }
      if !repeats { failed.append("\(kernel): another result when it was run again") }
      let key = "\(kernel.kernel) \(kernel.dtype)" + (kernel.weightType.map { " by \($0)" } ?? "")
      let known = worst[key] ?? (0, 0, 0, "")
      let isWorse = !(error / tolerance <= known.error / max(known.tolerance, .leastNonzeroMagnitude))
      worst[key] =
        isWorse || known.count == 0
        ? (error, tolerance, known.count + 1, kernel.description)
        : (known.error, known.tolerance, known.count + 1, known.description)
    }
    report.table(
      ["kernel", "cases", "largest error", "tolerance", "case"],
      worst.sorted { $0.key < $1.key }.map { key, value in
        [key, "\(value.count)", value.error.short(), value.tolerance.short(), value.description]
      })
    for failure in failed.prefix(40) { report.expect(false, failure) }
    report.expect(failed.isEmpty, "\(cases.count) cases, each run twice with the same bits")
  }
}
