import Tensors

extension Graph {
  /// y = norm(x), or with `delta`: sum = x + delta and y = norm(sum). Returns y and the normalised sum. A norm starts by
  /// changing no scale, whatever `spec.weightOffset` is.
  public mutating func norm(
    _ x: Value, adding delta: Value? = nil, weight: String, bias: String? = nil, _ spec: NormSpec
  ) throws(GraphError) -> (y: Value, sum: Value) {
    let (rows, columns) = shape(x)
    try require("normalisation", x)
    let weightValue = try parameter(weight, 1, columns, role: .norm, initial: spec.weightOffset == 1 ? .zeros : .ones)
    var biasValue: Value?
    if let bias { biasValue = try parameter(bias, 1, columns, role: .norm, initial: .zeros) }
    var sum: Value?
    if let delta {
      try require("residual branch", delta, rows: rows, columns: columns)
      sum = try activation(weight + ".residual", rows, columns)
    }
    let y = try activation(weight, rows, columns)
    let statistics = try activation(weight + ".statistics", rows, 2, .float32)
    emit(
      NormOp(
        x: x, delta: delta, sum: sum, y: y, statistics: statistics, weight: weightValue, bias: biasValue, spec: spec))
    return (y, sum ?? x)
  }
}

struct NormOp: RepeatableOp {
  var x: Value, delta: Value?, sum: Value?, y: Value, statistics: Value, weight: Value, bias: Value?
  var spec: NormSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visitIfPresent(&delta, .read, visit)
    visit(&weight, .read)
    visitIfPresent(&bias, .read, visit)
    visitIfPresent(&sum, .write, visit)
    visit(&y, .write)
    visit(&statistics, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.norm(
      at[y], statistics: at[statistics], sum: at[sum], x: at[x], delta: at[delta], weight: at[weight], bias: at[bias],
      spec)
  }

  func repeated(into y: Value, _ makeActivation: (Value) -> Value) -> any Op {
    NormOp(
      x: sum ?? x, delta: nil, sum: nil, y: y, statistics: makeActivation(statistics), weight: weight, bias: bias,
      spec: spec)
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    let input = sum ?? x
    if let dy = b.gradient(of: y) {
      let dWeight = try b.accumulator(weight)
      let dBias = try b.accumulator(bias)
      // Above a frozen embedding only the weights want a gradient; the kernel computes dx all the same.
      let (dx, accumulation) =
        if let target = try b.target(input) { target } else { (try b.makeTemporary(like: input), Accumulation.set) }
      b.emit(
        NormBackwardOp(
          dx: dx, dWeight: dWeight, dBias: dBias, dy: dy, x: input, weight: weight, statistics: statistics,
          spec: spec, accumulation: accumulation))
    }
    guard let sum, let delta, let dSum = b.gradient(of: sum) else { return }
    try b.share(dSum, with: x)
    try b.share(dSum, with: delta)
  }
}

struct NormBackwardOp: Op {
  var dx: Value, dWeight: Value?, dBias: Value?, dy: Value, x: Value, weight: Value, statistics: Value
  var spec: NormSpec
  var accumulation: Accumulation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&x, .read)
    visit(&weight, .read)
    visit(&statistics, .read)
    visitIfPresent(&dWeight, .update, visit)
    visitIfPresent(&dBias, .update, visit)
    visit(&dx, accumulation == .set ? .write : .update)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.normBackward(
      dx: at[dx], dWeight: at[dWeight], dBias: at[dBias], dy: at[dy], x: at[x], weight: at[weight],
      statistics: at[statistics], spec, accumulation)
  }
}
