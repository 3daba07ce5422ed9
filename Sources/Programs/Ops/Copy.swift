import Tensors

/// y = x: how a shared gradient becomes one that may be changed.
struct CopyOp: Op {
  var y: Value, x: Value

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) { device.copy(at[y], at[x]) }
}

/// y = value, everywhere: the start of a gradient that operations can only add to.
struct FillOp: Op {
  var y: Value
  var value: Float

  mutating func operands(_ visit: (inout Value, Access) -> Void) { visit(&y, .write) }

  func launch(on device: any Device, _ at: Memory) { device.fill(at[y], value) }
}
