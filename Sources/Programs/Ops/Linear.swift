import Tensors

/// How a weight matrix is stored.
public enum WeightLayout: Sendable {
  /// [out, in], as `nn.Linear`: y = x·Wᵀ.
  case outputInput
  /// [in, out], as GPT-2's `Conv1D`: y = x·W.
  case inputOutput
}

/// Which side of a linear layer consists of attention heads of D elements each, padded as the graph's precision wants.
public enum LinearHeads: Sendable {
  case none
  case input(dimension: Int)
  case output(dimension: Int)
}

extension Graph {
  /// y [N, out] = x·W (+ bias).
  /// - Parameters:
  ///   - out: columns of y; with `heads: .output`, padding not counted.
  ///   - heads: with padded heads, x or y has the padding, and the parameter is declared without.
  public mutating func linear(
    _ x: Value, _ name: String, out: Int, layout: WeightLayout = .outputInput, bias: String? = nil, initial: Initial,
    heads: LinearHeads = .none
  ) throws(GraphError) -> Value {
    let (rows, columns) = shape(x)
    try require("linear input", x)
    var (input, stored) = (columns, out)
    var (inputHeads, outputHeads): (Int?, Int?)
    switch heads {
    case .none: break
    case .input(let dimension):
      try requireHeads(name, columns, of: precision.headStride(dimension))
      inputHeads = dimension
      input = columns / precision.headStride(dimension) * dimension
    case .output(let dimension):
      try requireHeads(name, out, of: dimension)
      outputHeads = dimension
      stored = out / dimension * precision.headStride(dimension)
    }
    let weight: Value
    switch layout {
    case .outputInput:
      let axis = outputHeads.map(HeadAxis.rows) ?? inputHeads.map(HeadAxis.columns)
      weight = try parameter(name, out, input, role: .linear, initial: initial, heads: axis)
    case .inputOutput:
      let axis = outputHeads.map(HeadAxis.columns) ?? inputHeads.map(HeadAxis.rows)
      weight = try parameter(name, input, out, role: .linear, initial: initial, heads: axis)
    }
    var biasValue: Value?
    if let bias {
      biasValue = try parameter(
        bias, 1, out, role: .bias, initial: .zeros, heads: outputHeads.map(HeadAxis.columns))
    }
    let y = try activation(name, rows, stored)
    emit(LinearOp(x: x, weight: weight, bias: biasValue, y: y, layout: layout))
    return y
  }

  private func requireHeads(_ name: String, _ columns: Int, of dimension: Int) throws(GraphError) {
    guard dimension > 0, columns % dimension == 0 else {
      throw .shape(operation: "'\(name)'", expected: "heads of \(dimension)", found: "\(columns) columns")
    }
  }

  /// y [N, rows of W] = x·Wᵀ (+ bias) with a weight that is already declared: a tied head. y may be float32 whatever the
  /// precision.
  public mutating func linear(_ x: Value, weight: Value, bias: Value? = nil, into y: Value) throws(GraphError) {
    try requireWeight("linear weight", weight)
    try require("linear input", x, columns: shape(weight).columns)
    try require(
      "linear output", y, rows: shape(x).rows, columns: shape(weight).rows,
      dtype: values[y.index].dtype == .float32 ? .float32 : nil)
    if let bias { try require("linear bias", bias, rows: 1, columns: shape(weight).rows) }
    emit(LinearOp(x: x, weight: weight, bias: bias, y: y, layout: .outputInput))
  }
}

struct LinearOp: Op {
  var x: Value, weight: Value, bias: Value?, y: Value
  var layout: WeightLayout

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visit(&weight, .read)
    visitIfPresent(&bias, .read, visit)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.matmul(
      at[y], at[x], at[weight], transposeA: false, transposeB: layout == .outputInput, accumulate: .set,
      bias: at[bias])
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    if let dBias = try b.accumulator(bias) { b.emit(BiasGradientOp(dBias: dBias, dy: dy)) }
    if let (gradient, accumulation) = try b.target(weight) {
      let x = b.again(x)
      let (left, right) = layout == .outputInput ? (dy, x) : (x, dy)
      b.emit(
        MatmulOp(c: gradient, a: left, b: right, transposeA: true, transposeB: false, accumulation: accumulation))
    }
    if let (gradient, accumulation) = try b.target(x) {
      b.emit(
        MatmulOp(
          c: gradient, a: dy, b: weight, transposeA: false, transposeB: layout == .inputOutput,
          accumulation: accumulation))
    }
  }

  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double {
    2 * product(shape(x).rows, shape(x).columns, shape(y).columns)
  }
}

/// c = op(a)·op(b), or c += op(a)·op(b): the two gradients of a linear layer.
struct MatmulOp: Op {
  var c: Value, a: Value, b: Value
  var transposeA: Bool, transposeB: Bool
  var accumulation: Accumulation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&a, .read)
    visit(&b, .read)
    visit(&c, accumulation == .set ? .write : .update)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.matmul(
      at[c], at[a], at[b], transposeA: transposeA, transposeB: transposeB, accumulate: accumulation, bias: nil)
  }

  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double {
    2 * product(shape(c).rows, shape(c).columns, transposeA ? shape(a).rows : shape(a).columns)
  }
}

struct BiasGradientOp: Op {
  var dBias: Value, dy: Value

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&dBias, .update)
  }

  func launch(on device: any Device, _ at: Memory) { device.biasGradient(at[dBias], at[dy]) }
}
