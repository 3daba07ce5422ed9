import Tensors

extension ReferenceDevice {
  public func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    launched()
    let inner = transposeA ? a.rows : a.columns
    precondition(c.rows == (transposeA ? a.columns : a.rows), "matmul: rows")
    precondition(c.columns == (transposeB ? b.rows : b.columns), "matmul: columns")
    precondition(inner == (transposeB ? b.columns : b.rows), "matmul: inner dimension")
    let (aRow, aColumn) = transposeA ? (1, a.stride) : (a.stride, 1)
    let (bRow, bColumn) = transposeB ? (1, b.stride) : (b.stride, 1)
    let left = a.row(0)
    let right = b.row(0)
    for i in 0..<c.rows {
      let result = c.row(i)
      for j in 0..<c.columns {
        var sum = 0.0
        for k in 0..<inner { sum += left[i * aRow + k * aColumn] * right[k * bRow + j * bColumn] }
        if let bias { sum += bias.row(0)[j] }
        result.put(sum, at: j, accumulate)
      }
    }
  }

  public func biasGradient(_ dBias: Tensor, _ dy: Tensor) {
    launched()
    for j in 0..<dy.columns {
      var sum = 0.0
      for i in 0..<dy.rows { sum += dy.row(i)[j] }
      dBias.row(0).put(sum, at: j, .add)
    }
  }

  public func gatherRows(
    _ y: Tensor, indices: Tensor, table: Tensor, positions: Tensor?, length: Int, scale: Float
  ) {
    launched()
    for i in 0..<y.rows {
      let token = indices.integer(i)
      precondition((0..<table.rows).contains(token), "gatherRows: index \(token) of \(table.rows) rows")
      let source = table.row(token)
      let result = y.row(i)
      for j in 0..<y.columns {
        var value = Double(scale) * source[j]
        if let positions { value += positions.row(i % length + Int(scalars.pointee.position))[j] }
        result[j] = value
      }
    }
  }

  public func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float
  ) {
    launched()
    for i in 0..<dy.rows {
      let gradient = dy.row(i)
      for j in 0..<dy.columns {
        dTable?.row(indices.integer(i)).put(Double(scale) * gradient[j], at: j, .add)
        dPositions?.row(i % length).put(gradient[j], at: j, .add)
      }
    }
  }
}
