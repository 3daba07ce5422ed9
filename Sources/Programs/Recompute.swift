/// What a backward pass computes again instead of keeping from the forward pass.
public enum Recompute: String, Sendable, Codable, CaseIterable {
  /// Nothing: every activation the backward pass needs is kept.
  case none
  /// Each transformer block, from its input: about a third more computation for a fraction of the activations.
  case block
}

extension Backward {
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
