import CKernels
import Tensors

extension CPUDevice {
  public func gatherRows(
    _ y: Tensor, indices: Tensor, table: Tensor, positions: Tensor?, length: Int, scale: Float
  ) {
    ck_gather_rows(
      pool, Int64(y.rows), Int64(y.columns), y.address.floats, Int64(y.stride), indices.address.integers,
      Int64(indices.stride), table.address, Int64(table.stride), positions?.address, Int64(positions?.stride ?? 0),
      table.dtype.element, Int64(length), Int64(scalars.pointee.position), scale)
  }

  public func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float
  ) {
    if let dTable {
      ck_scatter_rows(
        pool, Int64(dy.rows), Int64(dy.columns), dTable.address.floats, Int64(dTable.stride),
        indices.address.integers, Int64(indices.stride), dy.address.floats, Int64(dy.stride), scale)
    }
    if let dPositions {
      ck_scatter_positions(
        pool, Int64(dy.rows), Int64(dy.columns), dPositions.address.floats, Int64(dPositions.stride),
        dy.address.floats, Int64(dy.stride), Int64(length))
    }
  }
}
