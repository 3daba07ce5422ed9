import CKernels
import Tensors

extension CPUDevice {
  public func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec
  ) {
    var shape = spec.shape(of: x)
    ck_head_norm(
      pool, &shape, y.address.floats, Int64(y.stride), statistics.address.floats, Int64(statistics.stride),
      x.address.floats, Int64(x.stride), queryWeight.address.floats, keyWeight.address.floats)
  }

  public func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec
  ) {
    var shape = spec.shape(of: x)
    ck_head_norm_backward(
      pool, &shape, dx.address.floats, Int64(dx.stride), dQueryWeight?.address.floats, dKeyWeight?.address.floats,
      dy.address.floats, Int64(dy.stride), x.address.floats, Int64(x.stride), queryWeight.address.floats,
      keyWeight.address.floats, statistics.address.floats, Int64(statistics.stride))
  }
}

extension HeadNormSpec {
  fileprivate func shape(of x: Tensor) -> ck_head_norm_shape {
    ck_head_norm_shape(
      rows: Int64(x.rows), heads: Int64(heads), kv_heads: Int64(kvHeads), head_dim: Int64(headDimension),
      head_stride: Int64(headStride), epsilon: epsilon)
  }
}
