import CKernels
import Tensors

extension CPUDevice {
  public func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec
  ) {
    var shape = spec.shape(of: x)
    ck_norm(
      pool, &shape, y.address.floats, Int64(y.stride), statistics.address.floats, Int64(statistics.stride),
      sum?.address.floats, Int64(sum?.stride ?? 0), x.address.floats, Int64(x.stride), delta?.address.floats,
      Int64(delta?.stride ?? 0), weight.address.floats, bias?.address.floats)
  }

  public func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation
  ) {
    var shape = spec.shape(of: x)
    ck_norm_backward(
      pool, &shape, dx.address.floats, Int64(dx.stride), accumulate == .add, dWeight?.address.floats,
      dBias?.address.floats, dy.address.floats, Int64(dy.stride), x.address.floats, Int64(x.stride),
      weight.address.floats, statistics.address.floats, Int64(statistics.stride))
  }
}

extension NormSpec {
  fileprivate func shape(of x: Tensor) -> ck_norm_shape {
    ck_norm_shape(
      rows: Int64(x.rows), columns: Int64(x.columns), rms: kind == .rms, epsilon: epsilon, weight_offset: weightOffset)
  }
}
