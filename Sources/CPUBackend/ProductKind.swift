import CKernels

/// What the choice of a library for a product depends on: which operands are transposed, and about how large the part
/// is that one thread computes.
///
/// Sizes are rounded down to 1, 2, 3, 4, 6, 8, 12, … 384, and beyond that they are alike, because kernels work in
/// blocks. So a model has a handful of kinds, and products of one kind are computed alike whichever came first.
struct ProductKind: Hashable {
  let transposeA, transposeB: Bool
  /// The product that is measured for all of this kind.
  let m, n, k: Int

  /// Multiply-adds of a thread's part below which a library gains nothing: some 10 µs of work.
  private static let fewest = 1 << 20
  /// Sizes that are not told apart.
  private static let largest = 384.0
  /// Rows that have kernels of their own, or are too few to matter.
  private static let fewRows = 16

  /// nil for products that are left to the plain kernels.
  init?(transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, threads: Int) {
    guard m > ProductKind.fewRows, k > 0 else { return nil }
    // Parts are about as high as wide, where c is not narrower than that.
    let area = Double(m) * Double(n) / Double(threads)
    let side = area.squareRoot()
    let rows = min(Double(m), max(side, area / Double(n)))
    let columns = min(Double(n), max(side, area / Double(m)))
    guard rows * columns * Double(k) >= Double(ProductKind.fewest) else { return nil }
    self.transposeA = transposeA
    self.transposeB = transposeB
    self.m = ProductKind.roundedDown(rows)
    self.n = ProductKind.roundedDown(columns)
    self.k = ProductKind.roundedDown(Double(k))
  }

  /// As the file of choices has it: "NT 384 96 384".
  var name: String { "\(transposeA ? "T" : "N")\(transposeB ? "T" : "N") \(m) \(n) \(k)" }

  /// The next of 1, 2, 3, 4, 6, 8, … 384 that is not above `size`.
  private static func roundedDown(_ size: Double) -> Int {
    let size = max(1, Int(min(size, largest)))
    let power = 1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)
    return size >= power + power / 2 ? power + power / 2 : power
  }
}
