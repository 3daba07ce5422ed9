/// What a backward pass computes again instead of keeping from the forward pass.
public enum Recompute: String, Sendable, Codable, CaseIterable {
  /// Nothing: every activation the backward pass needs is kept.
  case none
  /// Of each transformer block what takes little to compute, from what it reads: the outputs of norms and activation
  /// functions, and of attention over sequences that are short beside the width. At most some hundredths more time for
  /// a third less activations.
  case cheap
  /// Each transformer block, from its input: about a third more computation for a fraction of the activations.
  case block
}

/// An operation whose result `.cheap` computes again rather than keep.
protocol RepeatableOp: Op {
  /// The result.
  var y: Value { get }
  /// Whether it takes little beside the matrix products of a block.
  var isCheap: Bool { get }
  /// The operation that computes it from what the backward pass keeps anyway, into `y`.
  /// - Parameter makeActivation: a new value like the one given.
  func repeated(into y: Value, _ makeActivation: (Value) -> Value) -> any Op
}

extension RepeatableOp {
  var isCheap: Bool { true }
}

extension Backward {
  /// `value` for a backward operation to read: itself, or with `.cheap` a copy that is computed here, so that the first
  /// one dies with its last reader in the forward pass.
  mutating func again(_ value: Value) -> Value {
    if let copy = repeats[value] { return copy }
    guard let op = repeatable[value] else { return value }
    func makeActivation(_ original: Value) -> Value {
      graph.values.append(graph.values[original.index])
      return Value(id: Int32(graph.values.count - 1))
    }
    let copy = makeActivation(value)
    graph.ops.append(op.repeated(into: copy, makeActivation))
    repeats[value] = copy
    return copy
  }

  /// The repeatable operations in the regions of `forward`, by their results.
  static func repeatableOps(_ forward: Graph) -> [Value: any RepeatableOp] {
    guard forward.recompute == .cheap else { return [:] }
    var found: [Value: any RepeatableOp] = [:]
    for op in forward.regions.joined().map({ forward.ops[$0] }) {
      // What is changed in place afterwards would lack the change.
      op.forEachOperand { value, access in if access == .update { found[value] = nil } }
      if let op = op as? any RepeatableOp, op.isCheap { found[op.y] = op }
    }
    return found
  }

  /// Appends a second copy of the operations of a region, writing to fresh values.
  ///
  /// The copy is what the region's backward pass reads, so the first copy's values die right after the forward pass.
  /// Gradients that were already collected for the region's outputs move to the outputs' new names, as do the sets
  /// of values that share a gradient.
  mutating func reemit(_ ops: ArraySlice<any Op>) throws(GraphError) -> [any Op] {
    var renamed: [Value: Value] = [:]
    var copies: [any Op] = []
    for original in ops {
      var op = original
      var overwritten: Value?
      op.operands { value, access in
        if access == .write, renamed[value] == nil {
          switch graph.values[value.index].storage {
          case .activation, .workspace:
            graph.values.append(graph.values[value.index])
            renamed[value] = Value(id: Int32(graph.values.count - 1))
          default: break
          }
        }
        if access == .update, renamed[value] == nil, graph.values[value.index].storage == .activation {
          overwritten = value
        }
        if let new = renamed[value] { value = new }
      }
      if let overwritten {
        throw .overwritten(graph.values[overwritten.index].name, by: String(describing: type(of: op)))
      }
      graph.ops.append(op)
      copies.append(op)
    }
    rename(renamed)
    return copies
  }
}
