import CKernels
import Tensors

extension CPUDevice {
  public func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    ck_matmul(
      pool, gemm, transposeA, transposeB, Int64(c.rows), Int64(c.columns), Int64(transposeA ? a.rows : a.columns),
      a.address.floats, Int64(a.stride), b.address, b.dtype.element, Int64(b.stride), bias?.address.floats,
      accumulate == .add, c.address.floats, Int64(c.stride))
  }

  public func biasGradient(_ dBias: Tensor, _ dy: Tensor) {
    ck_add_column_sums(
      pool, dBias.address.floats, dy.address.floats, Int64(dy.rows), Int64(dy.columns), Int64(dy.stride))
  }
}

extension DType {
  /// The kernels' name for a floating-point type.
  var element: ck_element {
    switch self {
    case .float32: ck_float32
    case .bfloat16: ck_bfloat16
    case .float16: ck_float16
    case .int32: preconditionFailure("integers are no operands of arithmetic")
    }
  }
}
