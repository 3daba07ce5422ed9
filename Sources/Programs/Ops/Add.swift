import Tensors

extension Graph {
  /// y = a + b; in the backward pass both operands share one gradient.
  public mutating func add(_ a: Value, _ b: Value) throws(GraphError) -> Value {
    let (rows, columns) = shape(a)
    try require("sum", a)
    try require("sum", b, rows: rows, columns: columns)
    let y = try activation("sum", rows, columns)
    emit(AddOp(y: y, a: a, b: b))
    return y
  }
}

/// y = a + b, where y may be a.
struct AddOp: Op {
  var y: Value, a: Value, b: Value

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    if a == y {
      visit(&y, .update)
      a = y
    } else {
      visit(&a, .read)
      visit(&y, .write)
    }
    visit(&b, .read)
  }

  func launch(on device: any Device, _ at: Memory) { device.add(at[y], at[a], at[b]) }

  func backward(_ backward: inout Backward) throws(GraphError) {
    guard let dy = backward.gradient(of: y) else { return }
    try backward.share(dy, with: a)
    try backward.share(dy, with: b)
  }
}
