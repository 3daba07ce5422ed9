import Tensors

extension Graph {
  public mutating func activation(_ x: Value, _ kind: Activation) throws(GraphError) -> Value {
    let (rows, columns) = shape(x)
    try require("activation", x)
    let y = try activation("activation", rows, columns)
    emit(ActivationOp(x: x, y: y, kind: kind))
    return y
  }

  /// y [N, F] = f(gate)·up, of rows that hold gate (F) then up (F).
  public mutating func gated(_ gateUp: Value, _ kind: Activation) throws(GraphError) -> Value {
    let (rows, columns) = shape(gateUp)
    try require("gated activation", gateUp)
    guard columns % 2 == 0 else {
      throw .shape(operation: "gated activation", expected: "an even number of columns", found: "\(columns)")
    }
    let y = try activation("gated", rows, columns / 2)
    emit(GatedOp(gateUp: gateUp, y: y, kind: kind))
    return y
  }
}

struct ActivationOp: RepeatableOp {
  var x: Value, y: Value
  var kind: Activation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) { device.activation(at[y], at[x], kind) }

  func repeated(into y: Value, _ makeActivation: (Value) -> Value) -> any Op { ActivationOp(x: x, y: y, kind: kind) }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    try b.contribute(to: x) { ActivationBackwardOp(dx: $0, dy: dy, x: x, kind: kind) }
  }
}

struct ActivationBackwardOp: Op {
  var dx: Value, dy: Value, x: Value
  var kind: Activation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&x, .read)
    visit(&dx, .write)
  }

  func launch(on device: any Device, _ at: Memory) { device.activationBackward(at[dx], dy: at[dy], x: at[x], kind) }
}

struct GatedOp: RepeatableOp {
  var gateUp: Value, y: Value
  var kind: Activation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&gateUp, .read)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) { device.gated(at[y], gateUp: at[gateUp], kind) }

  func repeated(into y: Value, _ makeActivation: (Value) -> Value) -> any Op {
    GatedOp(gateUp: gateUp, y: y, kind: kind)
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    try b.contribute(to: gateUp) { GatedBackwardOp(dGateUp: $0, dy: dy, gateUp: gateUp, kind: kind) }
  }
}

struct GatedBackwardOp: Op {
  var dGateUp: Value, dy: Value, gateUp: Value
  var kind: Activation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&gateUp, .read)
    visit(&dGateUp, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.gatedBackward(at[dGateUp], dy: at[dy], gateUp: at[gateUp], kind)
  }
}
