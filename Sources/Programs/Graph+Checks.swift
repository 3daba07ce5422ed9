import Tensors

/// What operations ask of their operands while the graph is built. Nothing is checked again when a program runs.
extension Graph {
  /// `value` has this shape (any, where nil) and element type (that of the graph's precision, where nil).
  func require(
    _ operation: String, _ value: Value, rows: Int? = nil, columns: Int? = nil, dtype: DType? = nil
  ) throws(GraphError) {
    let info = values[value.index]
    let dtype = dtype ?? precision.compute
    guard rows ?? info.rows == info.rows, columns ?? info.columns == info.columns, dtype == info.dtype else {
      throw .shape(
        operation: "\(operation) of '\(info.name)'",
        expected: "\(rows.map(String.init) ?? "any") x \(columns.map(String.init) ?? "any") \(dtype)",
        found: "\(info.rows) x \(info.columns) \(info.dtype)")
    }
  }

  /// `value` is a matrix that rows may be multiplied by or looked up in: of the type of weights, or of activations.
  func requireWeight(_ operation: String, _ value: Value, columns: Int? = nil) throws(GraphError) {
    let dtype = values[value.index].dtype
    try require(operation, value, columns: columns, dtype: dtype == precision.weights ? dtype : nil)
  }

  /// The rows of `value` are whole sequences of `length`.
  func requireSequences(_ operation: String, _ value: Value, length: Int) throws(GraphError) {
    let info = values[value.index]
    guard length > 0, info.rows % length == 0 else {
      throw .shape(
        operation: "\(operation) of '\(info.name)'", expected: "sequences of \(length) rows",
        found: "\(info.rows) rows")
    }
  }

  /// `table` has a row for each position of a sequence, `first` being that of the first.
  func requirePositions(_ operation: String, _ table: Value, first: Int = 0, length: Int) throws(GraphError) {
    let rows = shape(table).rows
    guard first >= 0, rows - first >= length else {
      throw .shape(operation: operation, expected: "at least \(length) positions", found: "\(rows - first)")
    }
  }

  /// `value` may be changed in place: it is an activation, and no operation so far reads it. (A backward rule that
  /// reads it again would see the changed contents.)
  func requireUnread(_ operation: String, _ value: Value) throws(GraphError) {
    var isRead = false
    for op in ops {
      op.forEachOperand { operand, access in if operand == value, access == .read { isRead = true } }
    }
    guard !isRead, values[value.index].storage == .activation else {
      throw .overwritten(values[value.index].name, by: operation)
    }
  }
}
