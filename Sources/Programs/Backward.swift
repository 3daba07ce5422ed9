import Tensors

/// Extends a forward graph by its gradient operations.
///
/// Rules. Gradients of parameters are only ever added to (accumulation over micro-batches is free). The first
/// contribution to an activation's gradient sets it, later ones add. A residual addition does not copy: its operands
/// *share* the gradient of its sum, and whoever wants to add to a gradient that others still read gets a copy first
/// (copy on write). Values that no trainable parameter feeds have no gradient, and nothing is emitted for them.
public struct Backward {
  var graph: Graph
  /// Forward value → the value that holds its gradient.
  private var gradients: [Value: Value] = [:]
  /// Gradient → the forward values it currently stands for and that still have to read it.
  private var sharers: [Value: Set<Value>] = [:]
  private var needsGradient: Set<Value>
  private let copiesSharedGradients: Bool
  private var dropsForwardOp = false
  /// What `.cheap` computes again, and what of it was computed again so far; see `again`.
  let repeatable: [Value: any RepeatableOp]
  var repeats: [Value: Value] = [:]
  /// Forward operations whose backward operation computes their result too.
  private var droppedOps: [Int] = []

  /// The graph that computes the loss and adds the gradients of every parameter that `isTrainable` accepts.
  public static func differentiate(
    _ forward: Graph, isTrainable: (String) -> Bool = { _ in true }
  ) throws(GraphError) -> Graph {
    try differentiate(forward, isTrainable: isTrainable, copiesSharedGradients: true)
  }

  /// - Parameter copiesSharedGradients: only a test turns this off, to show that it is needed.
  static func differentiate(
    _ forward: Graph, isTrainable: (String) -> Bool, copiesSharedGradients: Bool
  ) throws(GraphError) -> Graph {
    var b = Backward(forward, isTrainable: isTrainable, copiesSharedGradients: copiesSharedGradients)
    var end = forward.ops.count
    for region in forward.regions.reversed() {
      try b.differentiate(forward.ops[region.upperBound..<end])
      if forward.recompute == .block {
        let start = b.graph.ops.count
        let copies = try b.reemit(forward.ops[region])
        try b.differentiate(copies[...], places: [region.lowerBound, start])
      } else {
        try b.differentiate(forward.ops[region])
      }
      end = region.lowerBound
    }
    try b.differentiate(forward.ops[..<end])
    for index in b.droppedOps.sorted(by: >) { b.graph.ops.remove(at: index) }
    b.graph.regions = []
    return b.graph
  }

  private init(_ forward: Graph, isTrainable: (String) -> Bool, copiesSharedGradients: Bool) {
    graph = forward
    self.copiesSharedGradients = copiesSharedGradients
    repeatable = Self.repeatableOps(forward)
    needsGradient = []
    for (index, info) in forward.values.enumerated() where info.storage == .parameter && isTrainable(info.name) {
      needsGradient.insert(Value(id: Int32(index)))
    }
    for op in forward.ops { propagateNeed(op) }
  }

  private mutating func propagateNeed(_ op: any Op) {
    var needed = false
    op.forEachOperand { value, access in
      if access != .write, needsGradient.contains(value) { needed = true }
    }
    guard needed else { return }
    op.forEachOperand { value, access in
      if access != .read, graph.values[value.index].dtype != .int32 { needsGradient.insert(value) }
    }
  }

  /// Runs the backward rules of `ops`, last first: a slice of the forward graph, or copies of one for recomputation.
  ///
  /// - Parameter places: where in the graph an operation stands, as offsets to its index in `ops`: once, or as the
  ///   original and as the copy.
  private mutating func differentiate(_ ops: ArraySlice<any Op>, places: [Int] = [0]) throws(GraphError) {
    for index in ops.indices.reversed() {
      let op = ops[index]
      var written: [Value] = []
      op.forEachOperand { value, access in if access != .read { written.append(value) } }
      guard written.contains(where: needsGradient.contains) else { continue }
      dropsForwardOp = false
      try op.backward(&self)
      if dropsForwardOp { droppedOps += places.map { $0 + index } }
      // This was the last reader of its outputs' gradients. In-place outputs live on as their own inputs.
      op.forEachOperand { value, access in
        if access == .write, let gradient = gradients[value] { sharers[gradient]?.remove(value) }
      }
    }
  }

  // MARK: For backward rules

  mutating func emit(_ op: some Op) { graph.emit(op) }

  /// Called by a loss whose backward operation computes the forward result too.
  mutating func dropForwardOp() { dropsForwardOp = true }

  func shape(_ value: Value) -> (rows: Int, columns: Int) { graph.shape(value) }

  func dtype(_ value: Value?) -> DType? { value.map { graph.values[$0.index].dtype } }

  /// The gradient collected for `value`, to be read; nil when nothing depends on it.
  func gradient(of value: Value) -> Value? { gradients[value] }

  /// Whether a trained parameter feeds `value`.
  func wantsGradient(_ value: Value) -> Bool { needsGradient.contains(value) }

  /// Where to put a contribution to the gradient of `value`, by an operation that can set or add; nil when none is
  /// wanted.
  mutating func target(_ value: Value) throws(GraphError) -> (gradient: Value, accumulation: Accumulation)? {
    guard needsGradient.contains(value) else { return nil }
    if graph.values[value.index].storage == .parameter {
      if let known = gradients[value] { return (known, .add) }
      let gradient = try makeGradient(of: value, .parameterGradient(of: value))
      return (gradient, .add)
    }
    guard let own = try exclusiveGradient(of: value) else {
      return (try makeGradient(of: value, .activation), .set)
    }
    return (own, .add)
  }

  /// The gradient of `value` for an operation that can only add, zero so far when it is new; nil when none is
  /// wanted.
  mutating func accumulator(_ value: Value?) throws(GraphError) -> Value? {
    guard let value, let (gradient, accumulation) = try target(value) else { return nil }
    if accumulation == .set { emit(FillOp(y: gradient, value: 0)) }
    return gradient
  }

  /// Emits the contribution of an operation that can only set its result (the operand of `operation`), when one is
  /// wanted: into the gradient of `value` itself if it is the first, else into a temporary that is then added.
  mutating func contribute(to value: Value, _ operation: (Value) -> some Op) throws(GraphError) {
    guard let (gradient, accumulation) = try target(value) else { return }
    guard accumulation == .add else { return emit(operation(gradient)) }
    let part = try makeTemporary(like: value)
    emit(operation(part))
    try add(part, to: gradient)
  }

  /// The gradient collected for `value`, to be changed in place; nil when nothing depends on it.
  mutating func exclusiveGradient(of value: Value) throws(GraphError) -> Value? {
    guard let current = gradients[value] else { return nil }
    guard copiesSharedGradients, let others = sharers[current], others.contains(where: { $0 != value }) else {
      return current
    }
    sharers[current]?.remove(value)
    let own = try makeGradient(of: value, .activation)
    emit(CopyOp(y: own, x: current))
    return own
  }

  /// Makes the gradient `shared` (of a sum) a contribution to the gradient of `value` (one of its terms).
  mutating func share(_ shared: Value, with value: Value) throws(GraphError) {
    guard needsGradient.contains(value) else { return }
    if gradients[value] == nil, graph.values[value.index].storage != .parameter {
      gradients[value] = shared
      sharers[shared, default: []].insert(value)
    } else if let gradient = try target(value)?.gradient {
      try add(shared, to: gradient)
    }
  }

  /// Emits gradient += part. A parameter's gradient is float32, whatever its contributions are.
  private mutating func add(_ part: Value, to gradient: Value) throws(GraphError) {
    let (info, wanted) = (graph.values[part.index], graph.values[gradient.index].dtype)
    guard info.dtype != wanted else { return emit(AddOp(y: gradient, a: gradient, b: part)) }
    let converted = try graph.activation("converted." + info.name, info.rows, info.columns, wanted)
    emit(CopyOp(y: converted, x: part))
    emit(AddOp(y: gradient, a: gradient, b: converted))
  }

  /// A value of the shape of `value` that holds an intermediate result.
  mutating func makeTemporary(like value: Value) throws(GraphError) -> Value {
    let info = graph.values[value.index]
    return try graph.activation("temporary." + info.name, info.rows, info.columns, info.dtype)
  }

  private mutating func makeGradient(of value: Value, _ storage: Storage) throws(GraphError) -> Value {
    let info = graph.values[value.index]
    let dtype = info.storage == .parameter ? .float32 : info.dtype
    let gradient = try graph.makeValue("grad." + info.name, info.rows, info.columns, dtype, storage)
    gradients[value] = gradient
    sharers[gradient] = [value]
    return gradient
  }

  mutating func rename(_ renamed: [Value: Value]) {
    for (old, new) in renamed {
      if needsGradient.contains(old) { needsGradient.insert(new) }
      guard let gradient = gradients.removeValue(forKey: old) else { continue }
      gradients[new] = gradient
      if sharers[gradient]?.remove(old) != nil { sharers[gradient]?.insert(new) }
    }
  }
}
