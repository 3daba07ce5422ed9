/// Dead code and lifetimes.
enum Liveness {
  /// Removes the operations nobody needs: those that reach no persistent or external value and no parameter gradient.
  static func removingDeadCode(_ graph: Graph) -> [any Op] {
    var isNeeded = [Bool](repeating: false, count: graph.values.count)
    var kept: [any Op] = []
    for op in graph.ops.reversed() {
      var isLive = false
      op.forEachOperand { value, access in
        guard access != .read else { return }
        switch graph.values[value.index].storage {
        case .persistent, .external, .parameterGradient: isLive = true
        case .activation, .workspace, .constant, .parameter: if isNeeded[value.index] { isLive = true }
        }
      }
      guard isLive else { continue }
      op.forEachOperand { value, access in isNeeded[value.index] = access != .write }
      kept.append(op)
    }
    return kept.reversed()
  }

  /// First and last operation that touches each arena value; nil for values that no operation touches.
  static func lifetimes(of ops: [any Op], in values: [ValueInfo]) -> [ClosedRange<Int>?] {
    var lifetimes = [ClosedRange<Int>?](repeating: nil, count: values.count)
    for (time, op) in ops.enumerated() {
      op.forEachOperand { value, _ in
        switch values[value.index].storage {
        case .activation, .workspace:
          lifetimes[value.index] = (lifetimes[value.index]?.lowerBound ?? time)...time
        case .persistent, .external, .constant, .parameter, .parameterGradient: break
        }
      }
    }
    return lifetimes
  }
}
