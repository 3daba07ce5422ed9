import Tensors

extension Graph {
  /// y [N, C] = scale · table[indices] (+ positions[firstPosition + i mod length]): token embedding, with learned positions
  /// when given.
  /// - Parameters:
  ///   - padding: a row of the table that gets no gradient here, as PyTorch's `padding_idx`.
  ///   - firstPosition: the row of `positions` that is the first token's; OPT has two more before it.
  public mutating func embedding(
    _ tokens: Value, table: Value, scale: Float = 1, padding: Int? = nil, positions: Value? = nil,
    firstPosition: Int = 0, length: Int
  ) throws(GraphError) -> Value {
    let (rows, _) = shape(tokens)
    let (vocabulary, columns) = shape(table)
    try require("tokens", tokens, columns: 1, dtype: .int32)
    try requireWeight("token embedding", table)
    if let padding, !(0..<vocabulary).contains(padding) {
      throw .shape(operation: "token embedding", expected: "a padding row below \(vocabulary)", found: "\(padding)")
    }
    if let positions {
      try requireSequences("embedding", tokens, length: length)
      try require("position embedding", positions, columns: columns, dtype: values[table.index].dtype)
      try requirePositions("position embedding", positions, first: firstPosition, length: length)
    }
    let y = try activation("embedded", rows, columns)
    emit(
      GatherRowsOp(
        indices: tokens, table: table, firstRow: 0, positions: positions, y: y, firstPosition: firstPosition,
        length: length, scale: scale, padding: padding))
    return y
  }

  /// y [R, C] = rows of x named by `indices` [R, 1], counted from `firstRow`. x may be float32 whatever the precision.
  public mutating func gatherRows(_ x: Value, _ indices: Value, firstRow: Int = 0) throws(GraphError) -> Value {
    let dtype = values[x.index].dtype
    try require("row indices", indices, columns: 1, dtype: .int32)
    if dtype != .float32 { try requireWeight("gathered rows", x) }
    try requirePositions("gathered rows", x, first: firstRow, length: 1)
    let rows = shape(indices).rows
    let y = try activation("gathered", rows, shape(x).columns, dtype == precision.weights ? precision.compute : dtype)
    emit(
      GatherRowsOp(
        indices: indices, table: x, firstRow: firstRow, positions: nil, y: y, firstPosition: 0, length: rows, scale: 1,
        padding: nil))
    return y
  }
}

struct GatherRowsOp: Op {
  var indices: Value, table: Value
  /// The row of the table that index 0 names.
  var firstRow: Int
  var positions: Value?, y: Value
  var firstPosition: Int
  var length: Int
  var scale: Float
  var padding: Int?

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&indices, .read)
    visit(&table, .read)
    visitIfPresent(&positions, .read, visit)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.gatherRows(
      at[y], indices: at[indices], table: at[table].rows(from: firstRow),
      positions: at[positions]?.rows(from: firstPosition), length: length, scale: scale)
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    let dTable = try b.accumulator(table)
    let dPositions = try b.accumulator(positions)
    guard dTable != nil || dPositions != nil else { return }
    // Rows are added up in float32: into gradients of parameters, that is.
    guard b.dtype(dTable) != .bfloat16, firstRow == 0 else {
      throw .notDifferentiable("GatherRowsOp of a bfloat16 activation, or of later rows")
    }
    var padding: GatherRowsBackwardOp.Padding?
    if let dTable, let row = self.padding {
      padding = .init(row: row, kept: try b.graph.workspace("padding", 1, b.shape(dTable).columns, .float32))
    }
    b.emit(
      GatherRowsBackwardOp(
        dTable: dTable, dPositions: dPositions, dy: dy, indices: indices, firstPosition: firstPosition, length: length,
        scale: scale, padding: padding))
  }
}

struct GatherRowsBackwardOp: Op {
  /// A row of dTable that must stay as it is, and where it is kept meanwhile.
  struct Padding {
    var row: Int
    var kept: Value
  }

  var dTable: Value?, dPositions: Value?, dy: Value, indices: Value
  var firstPosition: Int
  var length: Int
  var scale: Float
  var padding: Padding?

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&indices, .read)
    visitIfPresent(&dTable, .update, visit)
    visitIfPresent(&dPositions, .update, visit)
    if var padding {
      visit(&padding.kept, .write)
      self.padding = padding
    }
  }

  func launch(on device: any Device, _ at: Memory) {
    let dTable = at[dTable]
    if let padding, let dTable { device.copy(at[padding.kept], dTable.rows(padding.row..<padding.row + 1)) }
    device.gatherRowsBackward(
      dTable: dTable, dPositions: at[dPositions]?.rows(from: firstPosition), dy: at[dy], indices: at[indices],
      length: length, scale: scale)
    if let padding, let dTable { device.copy(dTable.rows(padding.row..<padding.row + 1), at[padding.kept]) }
  }
}

extension Tensor {
  fileprivate func rows(from first: Int) -> Tensor { rows(first..<rows) }
}
