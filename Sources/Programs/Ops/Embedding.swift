import Tensors

extension Graph {
  /// y [N, C] = table[indices] (+ positions[i mod length]): token embedding, with learned positions when given.
  public mutating func embedding(
    _ tokens: Value, table: Value, positions: Value? = nil, length: Int
  ) throws(GraphError) -> Value {
    let (rows, _) = shape(tokens)
    let columns = shape(table).columns
    try require("tokens", tokens, columns: 1, dtype: .int32)
    try require("token embedding", table)
    if let positions {
      try requireSequences("embedding", tokens, length: length)
      try require("position embedding", positions, columns: columns)
      try requirePositions("position embedding", positions, length: length)
    }
    let y = try activation("embedded", rows, columns)
    emit(GatherRowsOp(indices: tokens, table: table, positions: positions, y: y, length: length))
    return y
  }

  /// y [R, C] = rows of x named by `indices` [R, 1].
  public mutating func gatherRows(_ x: Value, _ indices: Value) throws(GraphError) -> Value {
    try require("row indices", indices, columns: 1, dtype: .int32)
    try require("gathered rows", x)
    let rows = shape(indices).rows
    let y = try activation("gathered", rows, shape(x).columns)
    emit(GatherRowsOp(indices: indices, table: x, positions: nil, y: y, length: rows))
    return y
  }
}

struct GatherRowsOp: Op {
  var indices: Value, table: Value, positions: Value?, y: Value
  var length: Int

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&indices, .read)
    visit(&table, .read)
    visitIfPresent(&positions, .read, visit)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.gatherRows(at[y], indices: at[indices], table: at[table], positions: at[positions], length: length)
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    let dTable = try b.accumulator(table)
    let dPositions = try b.accumulator(positions)
    guard dTable != nil || dPositions != nil else { return }
    // Rows are added up in float32: into gradients of parameters, that is.
    guard b.dtype(dTable) != .bfloat16 else { throw .notDifferentiable("GatherRowsOp of a bfloat16 activation") }
    b.emit(
      GatherRowsBackwardOp(dTable: dTable, dPositions: dPositions, dy: dy, indices: indices, length: length))
  }
}

struct GatherRowsBackwardOp: Op {
  var dTable: Value?, dPositions: Value?, dy: Value, indices: Value
  var length: Int

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&indices, .read)
    visitIfPresent(&dTable, .update, visit)
    visitIfPresent(&dPositions, .update, visit)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.gatherRowsBackward(
      dTable: at[dTable], dPositions: at[dPositions], dy: at[dy], indices: at[indices], length: length)
  }
}
