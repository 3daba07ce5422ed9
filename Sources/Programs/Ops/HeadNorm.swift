import Tensors

extension Graph {
  /// RMSNorm of each query and key head of packed rows of q (H·D), k (G·D), v (G·D), by weights [1, D] that all heads share:
  /// y, like `qkv`.
  public mutating func headNorm(
    _ qkv: Value, queryWeight: String, keyWeight: String, _ spec: HeadNormSpec
  ) throws(GraphError) -> Value {
    let (rows, columns) = shape(qkv)
    try require("head norm", qkv)
    let sizes = [spec.heads, spec.kvHeads, spec.headDimension, spec.headStride]
    // The upper bound keeps the products below from overflowing; no real model comes near it.
    guard sizes.allSatisfy((1...1 << 20).contains), spec.headStride >= spec.headDimension,
      columns == (spec.heads + 2 * spec.kvHeads) * spec.headStride
    else {
      throw .shape(
        operation: "head norm", expected: "\(spec.heads) + 2 x \(spec.kvHeads) heads of \(spec.headStride)",
        found: "\(columns) columns")
    }
    let query = try parameter(queryWeight, 1, spec.headDimension, role: .norm, initial: .ones)
    let key = try parameter(keyWeight, 1, spec.headDimension, role: .norm, initial: .ones)
    let y = try activation("head norm", rows, columns)
    let statistics = try activation("head norm.statistics", rows, spec.heads + spec.kvHeads, .float32)
    emit(HeadNormOp(x: qkv, y: y, statistics: statistics, queryWeight: query, keyWeight: key, spec: spec))
    return y
  }
}

struct HeadNormOp: RepeatableOp {
  var x: Value, y: Value, statistics: Value, queryWeight: Value, keyWeight: Value
  var spec: HeadNormSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visit(&queryWeight, .read)
    visit(&keyWeight, .read)
    visit(&y, .write)
    visit(&statistics, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.headNorm(
      at[y], statistics: at[statistics], x: at[x], queryWeight: at[queryWeight], keyWeight: at[keyWeight], spec)
  }

  func repeated(into y: Value, _ makeActivation: (Value) -> Value) -> any Op {
    HeadNormOp(
      x: x, y: y, statistics: makeActivation(statistics), queryWeight: queryWeight, keyWeight: keyWeight, spec: spec)
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    let dQueryWeight = try b.accumulator(queryWeight)
    let dKeyWeight = try b.accumulator(keyWeight)
    func operation(_ dx: Value) -> HeadNormBackwardOp {
      HeadNormBackwardOp(
        dx: dx, dQueryWeight: dQueryWeight, dKeyWeight: dKeyWeight, dy: dy, x: x, queryWeight: queryWeight,
        keyWeight: keyWeight, statistics: statistics, spec: spec)
    }
    if b.wantsGradient(x) {
      try b.contribute(to: x, operation)
    } else {
      // Above frozen projections only the weights want a gradient; the kernel computes dx all the same.
      b.emit(operation(try b.makeTemporary(like: x)))
    }
  }
}

struct HeadNormBackwardOp: Op {
  var dx: Value, dQueryWeight: Value?, dKeyWeight: Value?, dy: Value, x: Value
  var queryWeight: Value, keyWeight: Value, statistics: Value
  var spec: HeadNormSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&x, .read)
    visit(&queryWeight, .read)
    visit(&keyWeight, .read)
    visit(&statistics, .read)
    visitIfPresent(&dQueryWeight, .update, visit)
    visitIfPresent(&dKeyWeight, .update, visit)
    visit(&dx, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.headNormBackward(
      dx: at[dx], dQueryWeight: at[dQueryWeight], dKeyWeight: at[dKeyWeight], dy: at[dy], x: at[x],
      queryWeight: at[queryWeight], keyWeight: at[keyWeight], statistics: at[statistics], spec)
  }
}
