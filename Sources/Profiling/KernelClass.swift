import Tensors

/// What calls of a kernel have in common that are one line of a profile: the kernel, how it is called, and its sizes.
public struct KernelClass: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// Matrix products: as fast as the arithmetic units.
    case product
    case attention
    /// Everything else: as fast as memory.
    case memory
  }

  public let kind: Kind
  public let name: String
  let sizes: [Int]

  init(_ name: String, _ sizes: Int..., kind: Kind = .memory) {
    self.kind = kind
    self.name = name
    self.sizes = sizes
  }

  /// "matmul NT 1024×2304×768": rows and columns of the result, and what is summed over.
  public var description: String { "\(name) \(sizes.map(String.init).joined(separator: "×"))" }
}

/// What one call of a kernel has to do.
struct KernelWork {
  /// Floating-point operations of matrix products and attention, a multiply-add being two; other kernels count none.
  var operations = 0.0
  /// Necessary traffic in bytes: each operand read once and each result written once (twice where it is added to). That
  /// of parameters, their gradients and moments, and that of everything else.
  var parameterBytes = 0
  var activationBytes = 0

  init(operations: Double = 0) { self.operations = operations }
}

extension Accumulation {
  /// How often the memory of a result is gone over.
  var passes: Int { self == .add ? 2 : 1 }
}

extension AttentionSpec {
  /// Operations of `products` products of visible scores with heads, over N rows.
  func operations(rows: Int, products: Int) -> Double {
    2 * Double(products) * Double(rows) * Double(heads * headDimension) * visibleKeys
  }
}
