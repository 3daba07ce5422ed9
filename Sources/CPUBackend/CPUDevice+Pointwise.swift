import CKernels
import Tensors

extension CPUDevice {
  public func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation) {
    ck_activate(
      pool, kind.kernel, Int64(y.rows), Int64(y.columns), y.address.floats, Int64(y.stride), x.address.floats,
      Int64(x.stride))
  }

  public func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation) {
    ck_activate_backward(
      pool, kind.kernel, Int64(dx.rows), Int64(dx.columns), dx.address.floats, Int64(dx.stride), dy.address.floats,
      Int64(dy.stride), x.address.floats, Int64(x.stride))
  }

  public func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation) {
    ck_gate(
      pool, kind.kernel, Int64(y.rows), Int64(y.columns), y.address.floats, Int64(y.stride), gateUp.address.floats,
      Int64(gateUp.stride))
  }

  public func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation) {
    ck_gate_backward(
      pool, kind.kernel, Int64(dy.rows), Int64(dy.columns), dGateUp.address.floats, Int64(dGateUp.stride),
      dy.address.floats, Int64(dy.stride), gateUp.address.floats, Int64(gateUp.stride))
  }

  public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
    ck_add(
      pool, Int64(y.rows), Int64(y.columns), y.address.floats, Int64(y.stride), a.address.floats, Int64(a.stride),
      b.address.floats, Int64(b.stride))
  }

  public func copy(_ y: Tensor, _ x: Tensor) {
    ck_copy(pool, Int64(y.rows), Int64(y.columns), y.address, Int64(y.stride), x.address, Int64(x.stride))
  }

  public func fill(_ y: Tensor, _ value: Float) {
    ck_fill(pool, Int64(y.rows), Int64(y.columns), y.address.floats, Int64(y.stride), value)
  }
}

extension Activation {
  fileprivate var kernel: ck_activation {
    switch self {
    case .geluTanh: ck_gelu_tanh
    case .geluErf: ck_gelu_erf
    case .silu: ck_silu
    case .relu: ck_relu
    }
  }
}
