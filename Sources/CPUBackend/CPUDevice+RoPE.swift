import CKernels
import Tensors

extension CPUDevice {
  public func rope(_ x: Tensor, table: Tensor, _ spec: RoPESpec, inverse: Bool) {
    ck_rope(
      pool, Int64(x.rows), Int64(spec.heads), Int64(spec.headDimension), Int64(spec.headStride), x.address.floats,
      Int64(x.stride), table.address.floats, Int64(table.stride), Int64(spec.length), Int64(scalars.pointee.position),
      inverse)
  }
}
