import CKernels

/// What the choice of a library for a product depends on: which operands are transposed, and about how large the part
/// is that one thread computes.
///
/// Sizes are rounded down to 1, 2, 3, 4, 6, 8, 12, … 384, and beyond that they are alike, because kernels work in blocks.
/// So a model has a handful of kinds, and products of one kind are computed alike whichever came first.
struct ProductKind: Hashable {
  let transposeA, transposeB: Bool
  private let m, n, k: Size

  /// Multiply-adds of a thread's part below which a library gains nothing: some 10 µs of work.
  private static let fewest = 1 << 20
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
    self.m = Size(Int(min(rows, Size.largest)))
    self.n = Size(Int(min(columns, Size.largest)))
    self.k = Size(Int(min(Double(k), Size.largest)))
  }

  /// The product that is measured for all of this kind.
  var shape: (m: Int, n: Int, k: Int) { (m.value, n.value, k.value) }

  /// 0 ..< count, another for each kind.
  var index: Int {
    let transposed = (transposeA ? 2 : 0) + (transposeB ? 1 : 0)
    return ((transposed * Size.count + m.index) * Size.count + n.index) * Size.count + k.index
  }
  static let count = 4 * Size.count * Size.count * Size.count

  /// As the file of choices has it: "NT 384 96 384".
  var name: String { "\(transposeA ? "T" : "N")\(transposeB ? "T" : "N") \(m.value) \(n.value) \(k.value)" }

  /// 1, 2, 3, 4, 6, 8, … 384.
  private struct Size: Hashable {
    let index: Int
    static let count = 18
    static let largest = 384.0

    init(_ size: Int) {
      let size = max(1, size)
      let exponent = Int.bitWidth - 1 - size.leadingZeroBitCount
      index = 2 * exponent + (exponent > 0 ? size >> (exponent - 1) & 1 : 0)
    }

    var value: Int { index % 2 == 0 ? 1 << (index / 2) : 3 << (index / 2 - 1) }
  }
}
