import Tensors

/// One operation of a graph: its operands, its kernel launch, and its backward rule as more graph.
///
/// An operation never computes a gradient; `backward` *emits* the operations that will. That is what lets one
/// planner see forward and backward together.
protocol Op {
  /// Names every operand once. Liveness, dead code and the renaming for recomputation all read (and may rewrite) this.
  mutating func operands(_ visit: (inout Value, Access) -> Void)
  /// Launches the kernels. Runs inside the step: no allocation, no check, no synchronisation.
  func launch(on device: any Device, _ at: Memory)
  /// Appends the gradient operations. Called on operations that a trained parameter feeds, once what reads their outputs
  /// has contributed; an output that reaches no loss has no gradient.
  func backward(_ b: inout Backward) throws(GraphError)
  /// Multiply-adds count as two; operations outside matrix products count nothing.
  /// In Double, because a product of three sizes may not fit an Int.
  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double
}

extension Op {
  /// Operations that only ever appear in a backward pass have no backward rule of their own.
  func backward(_ b: inout Backward) throws(GraphError) {
    throw .notDifferentiable(String(describing: type(of: self)))
  }

  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double { 0 }

  func forEachOperand(_ visit: (Value, Access) -> Void) {
    var copy = self
    copy.operands { visit($0, $1) }
  }
}

func product(_ sizes: Int...) -> Double { sizes.reduce(1) { $0 * Double($1) } }

/// Visits an operand that may be absent.
func visitIfPresent(_ value: inout Value?, _ access: Access, _ visit: (inout Value, Access) -> Void) {
  guard var present = value else { return }
  visit(&present, access)
  value = present
}

/// The addresses of a program's values.
struct Memory {
  let table: UnsafeMutablePointer<Tensor>

  subscript(_ value: Value) -> Tensor { table[value.index] }
  subscript(_ value: Value?) -> Tensor? { value.map { table[$0.index] } }
}
