import Tensors

extension Graph {
  /// Rotates the query and key heads of packed qkv rows in place. `table` [positions, D]: cosines, then sines.
  public mutating func rope(_ qkv: Value, table: Value, _ spec: RoPESpec) throws(GraphError) {
    try require("rotary table", table, columns: spec.headDimension, dtype: .float32)
    try requirePositions("rotary table", table, length: spec.length)
    try require("rotary embedding", qkv)
    try requireSequences("rotary embedding", qkv, length: spec.length)
    guard spec.heads > 0, spec.headDimension % 2 == 0, spec.headStride >= spec.headDimension,
      spec.heads <= shape(qkv).columns / spec.headStride
    else {
      throw .shape(
        operation: "rotary embedding", expected: "\(spec.heads) heads of an even dimension",
        found: "dimension \(spec.headDimension) in \(shape(qkv).columns) columns")
    }
    try requireUnread("rotary embedding", qkv)
    emit(RoPEOp(x: qkv, table: table, spec: spec, inverse: false))
  }
}

struct RoPEOp: Op {
  var x: Value, table: Value
  var spec: RoPESpec
  var inverse: Bool

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&table, .read)
    visit(&x, .update)
  }

  func launch(on device: any Device, _ at: Memory) { device.rope(at[x], table: at[table], spec, inverse: inverse) }

  /// The rotation is orthogonal: its gradient is the rotation back, in place.
  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dx = try b.exclusiveGradient(of: x) else { return }
    b.emit(RoPEOp(x: dx, table: table, spec: spec, inverse: true))
  }
}
