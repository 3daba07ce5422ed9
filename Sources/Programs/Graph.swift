import Tensors

/// A computation written once, forward only.
///
/// Building a graph allocates no tensor memory and computes nothing. Shapes are checked here, so that nothing has to
/// be checked when the planned `Program` runs.
public struct Graph {
  /// What the backward pass may compute again instead of keeping.
  public let recompute: Recompute
  /// The types of parameters and activations.
  public let precision: Precision
  public private(set) var parameters: [Parameter] = []

  var values: [ValueInfo] = []
  var ops: [any Op] = []
  /// Ranges of `ops` that may be recomputed as a whole, in order, not nested.
  var regions: [Range<Int>] = []
  var constants: [[Float]] = []
  private var parameterValues: [String: Value] = [:]
  /// Elements of the largest value: 4 TiB, so that no sum of sizes can overflow, whatever a configuration says.
  private static let largestCount = 1 << 40

  public init(recompute: Recompute = .none, precision: Precision = .float32) {
    self.recompute = recompute
    self.precision = precision
  }

  // MARK: Values

  /// Rows and columns of a value.
  public func shape(_ value: Value) -> (rows: Int, columns: Int) {
    (values[value.index].rows, values[value.index].columns)
  }

  /// A parameter. Asking again for a name gives the same value: that is how tied weights are written.
  /// - Parameter heads: the axis that consists of attention heads; the value has them padded as `precision` wants.
  public mutating func parameter(
    _ name: String, _ rows: Int, _ columns: Int, role: ParameterRole, initial: Initial, heads: HeadAxis? = nil
  ) throws(GraphError) -> Value {
    let parameter = Parameter(
      name: name, rows: rows, columns: columns, role: role, initial: initial, heads: heads)
    let stored = parameter.storedShape(precision)
    if let known = parameterValues[name] {
      let first = shape(known)
      guard first == stored else {
        throw .parameterRedefined(
          name: name, first: "\(first.rows) x \(first.columns)", second: "\(stored.rows) x \(stored.columns)")
      }
      return known
    }
    let value = try makeValue(name, stored.rows, stored.columns, parameter.dtype(precision), .parameter)
    parameterValues[name] = value
    parameters.append(parameter)
    return value
  }

  /// Memory the host fills before a run.
  public mutating func input(_ name: String, _ rows: Int, _ columns: Int, _ dtype: DType) throws(GraphError) -> Value {
    try makeValue(name, rows, columns, dtype, .persistent)
  }

  /// Memory that keeps its contents between runs: key/value caches, results read after a run.
  public mutating func persistent(
    _ name: String, _ rows: Int, _ columns: Int, _ dtype: DType = .float32
  ) throws(GraphError) -> Value {
    try makeValue(name, rows, columns, dtype, .persistent)
  }

  /// Memory of the caller, given when the `Program` is made, which only borrows it: caches that programs share.
  public mutating func external(
    _ name: String, _ rows: Int, _ columns: Int, _ dtype: DType
  ) throws(GraphError) -> Value {
    try makeValue(name, rows, columns, dtype, .external)
  }

  /// A matrix known when the graph is built, `elements` in row order.
  public mutating func constant(
    _ name: String, _ rows: Int, _ columns: Int, _ elements: [Float]
  ) throws(GraphError) -> Value {
    guard elements.count == rows * columns else {
      throw .shape(operation: name, expected: "\(rows * columns) elements", found: "\(elements.count)")
    }
    constants.append(elements)
    return try makeValue(name, rows, columns, .float32, .constant(constants.count - 1))
  }

  /// - Parameter dtype: that of the graph's precision when nil.
  mutating func activation(
    _ name: String, _ rows: Int, _ columns: Int, _ dtype: DType? = nil
  ) throws(GraphError) -> Value {
    try makeValue(name, rows, columns, dtype ?? precision.compute, .activation)
  }

  mutating func workspace(
    _ name: String, _ rows: Int, _ columns: Int, _ dtype: DType
  ) throws(GraphError) -> Value {
    try makeValue(name, rows, columns, dtype, .workspace)
  }

  mutating func makeValue(
    _ name: String, _ rows: Int, _ columns: Int, _ dtype: DType, _ storage: Storage
  ) throws(GraphError) -> Value {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows > 0, columns > 0, !overflow, count <= Self.largestCount else {
      throw .tooLarge(name: name, rows: rows, columns: columns)
    }
    values.append(ValueInfo(name: name, rows: rows, columns: columns, dtype: dtype, storage: storage))
    return Value(id: Int32(values.count - 1))
  }

  // MARK: Operations

  mutating func emit(_ op: some Op) { ops.append(op) }

  /// Marks the operations of `body` as one region: with `recompute: .block` the backward pass computes them again
  /// from the values that enter the region, instead of keeping what happens inside.
  public mutating func region<Result, Failure: Error>(
    _ body: (inout Graph) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let start = operationCount
    let result = try body(&self)
    markRegion(from: start)
    return result
  }

  /// Number of operations emitted so far.
  public var operationCount: Int { ops.count }

  /// `region` for a caller that holds the graph inside something else: marks what was emitted since `start`, an earlier
  /// `operationCount`.
  public mutating func markRegion(from start: Int) {
    // A region within this one is recomputed as part of it.
    regions.removeAll { $0.lowerBound >= start }
    regions.append(start..<ops.count)
  }

  /// Floating-point operations of one run.
  public var floatingPointOperations: Int { floatingPointOperations(of: ops) }

  func floatingPointOperations(of ops: [any Op]) -> Int {
    Int(min(ops.reduce(0) { $0 + $1.floatingPointOperations(shape) }, 0x1p62))
  }
}
