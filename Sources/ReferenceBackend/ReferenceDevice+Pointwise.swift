import Foundation
import Tensors

extension ReferenceDevice {
  public func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation) {
    launched()
    y.fill { kind.value(x.row($0)[$1]) }
  }

  public func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation) {
    launched()
    dx.fill { dy.row($0)[$1] * kind.derivative(x.row($0)[$1]) }
  }

  public func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation) {
    launched()
    y.fill { kind.value(gateUp.row($0)[$1]) * gateUp.row($0)[y.columns + $1] }
  }

  public func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation) {
    launched()
    for i in 0..<dy.rows {
      for j in 0..<dy.columns {
        let gate = gateUp.row(i)[j]
        let up = gateUp.row(i)[dy.columns + j]
        let upstream = dy.row(i)[j]
        dGateUp.row(i)[j] = upstream * up * kind.derivative(gate)
        dGateUp.row(i)[dy.columns + j] = upstream * kind.value(gate)
      }
    }
  }

  public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
    launched()
    y.fill { a.row($0)[$1] + b.row($0)[$1] }
  }

  public func copy(_ y: Tensor, _ x: Tensor) {
    launched()
    guard y.dtype != .int32 else {
      for i in 0..<y.rows { y.row(i).address.copyMemory(from: x.row(i).address, byteCount: y.columns * y.dtype.size) }
      return
    }
    y.fill { x.row($0)[$1] }
  }

  public func fill(_ y: Tensor, _ value: Float) {
    launched()
    y.fill { _, _ in Double(value) }
  }
}

extension Activation {
  func value(_ x: Double) -> Double {
    switch self {
    case .geluTanh: x / 2 * (1 + tanh(Self.tanhArgument(x)))
    case .geluErf: x / 2 * (1 + erf(x / 2.0.squareRoot()))
    case .silu: x / (1 + exp(-x))
    case .relu: max(x, 0)
    }
  }

  func derivative(_ x: Double) -> Double {
    switch self {
    case .geluTanh:
      let t = tanh(Self.tanhArgument(x))
      let inner = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
      return (1 + t) / 2 + x / 2 * (1 - t * t) * inner
    case .geluErf:
      return (1 + erf(x / 2.0.squareRoot())) / 2 + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    case .silu:
      let sigmoid = 1 / (1 + exp(-x))
      return sigmoid * (1 + x * (1 - sigmoid))
    case .relu:
      return x > 0 ? 1 : 0
    }
  }

  /// √(2/π)·(x + 0.044715·x³) of the tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415).
  private static func tanhArgument(_ x: Double) -> Double {
    (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
  }
}
