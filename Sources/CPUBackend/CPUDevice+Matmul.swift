import CKernels
import Tensors

extension CPUDevice {
  public func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    let inner = transposeA ? a.rows : a.columns
    ck_matmul(
      pool, gemm(transposeA: transposeA, transposeB: transposeB, c, b.dtype, inner), transposeA, transposeB,
      Int64(c.rows), Int64(c.columns), Int64(inner), a.address.floats, Int64(a.stride), b.address, b.dtype.element,
      Int64(b.stride), bias?.address.floats,
      accumulate == .add, c.address.floats, Int64(c.stride))
  }

  /// Where libraries are chosen by shape, narrow numbers have the plain kernels, which sum them as they sum float32
  /// ones.
  private func gemm(
    transposeA: Bool, transposeB: Bool, _ c: Tensor, _ type: DType, _ inner: Int
  ) -> ck_gemm_kernel {
    guard let choices, type == .float32 else { return gemm }
    return choices.gemm(transposeA: transposeA, transposeB: transposeB, m: c.rows, n: c.columns, k: inner)
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
