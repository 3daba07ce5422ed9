import Tensors

/// A planned graph: a flat list of kernel launches over fixed addresses, replayed on a device.
public final class Program {
  public let memory: MemoryReport
  public var operationCount: Int { ops.count }

  private let store: ParameterStore
  private let ops: [any Op]
  private let table: UnsafeMutablePointer<Tensor>
  private let valueCount: Int
  /// Arena values with their byte offsets.
  private let placements: [(value: Int, offset: Int)]
  private let arenaSize: Int
  private var boundGeneration = -1
  private var allocations: [UnsafeMutableRawPointer] = []
  private var replay: (any Replay)?

  /// Plans `graph` and takes the memory of its values. (What the kernels of an accelerator need besides is taken when it is
  /// first run.)
  /// - Parameter external: where each of the graph's external values lies. It stays the caller's, and must live as long
  ///   as the program.
  /// - Throws: `GraphError` when the store lacks a parameter or an external value has no memory of its shape and type;
  ///   `DeviceError` when the device has no memory left.
  public init(_ graph: Graph, store: ParameterStore, external: [(Value, Tensor)] = []) throws {
    self.store = store
    let plan = ProgramPlan(graph)
    ops = plan.ops
    memory = plan.memory(store: store)
    placements = plan.placements
    arenaSize = plan.arenaSize
    valueCount = graph.values.count
    table = .allocate(capacity: max(valueCount, 1))
    try placeFixedValues(graph, isUsed: plan.isUsed, external: external)
    try store.arena.reserve(arenaSize)
  }

  private func placeFixedValues(_ graph: Graph, isUsed: [Bool], external: [(Value, Tensor)]) throws {
    for (index, info) in graph.values.enumerated() {
      var tensor = Tensor(
        address: UnsafeMutableRawPointer(table), rows: info.rows, columns: info.columns, dtype: info.dtype)
      if isUsed[index] {
        switch info.storage {
        case .activation, .workspace: break
        case .persistent:
          tensor.address = try allocate(info.byteCount)
        case .constant(let constant):
          tensor.address = try allocate(info.byteCount)
          graph.constants[constant].withUnsafeBytes { store.device.upload($0, to: tensor) }
        case .parameter:
          guard let weight = store.weight(info.name) else { throw GraphError.missingParameter(info.name) }
          try Self.require("parameter '\(info.name)' of the store", weight, like: info)
          tensor = weight
        case .external:
          guard let given = external.last(where: { $0.0.index == index })?.1 else {
            throw GraphError.missingExternal(info.name)
          }
          try Self.require("memory of '\(info.name)'", given, like: info)
          tensor = given
        case .parameterGradient(let parameter):
          let name = graph.values[parameter.index].name
          guard let gradient = store.gradient(name) else { throw GraphError.frozenParameter(name) }
          tensor = gradient
        }
      }
      (table + index).initialize(to: tensor)
    }
  }

  private static func require(_ what: String, _ tensor: Tensor, like info: ValueInfo) throws(GraphError) {
    guard (tensor.rows, tensor.columns, tensor.dtype) == (info.rows, info.columns, info.dtype) else {
      throw .shape(
        operation: what, expected: "\(info.rows) x \(info.columns) \(info.dtype)",
        found: "\(tensor.rows) x \(tensor.columns) \(tensor.dtype)")
    }
  }

  private func allocate(_ bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
    let address = try store.device.allocate(bytes: bytes)
    allocations.append(address)
    return address
  }

  /// Where a persistent or external value (an input, a result, a cache) lies.
  public subscript(_ value: Value) -> Tensor { table[value.index] }

  /// Launches every kernel. Allocates nothing after the first run, unless another program made the shared arena grow
  /// (or failed to).
  public func run() throws(DeviceError) {
    try store.arena.reserve(arenaSize)
    if boundGeneration != store.arena.generation { try bind() }
    try replay?.run()
  }

  private func bind() throws(DeviceError) {
    replay = nil
    if let base = store.arena.base {
      for (value, offset) in placements { table[value].address = base + offset }
    }
    let device = store.device
    let ops = ops
    let memory = Memory(table: table)
    replay = try device.record {
      ops.withUnsafeBufferPointer { for op in $0 { op.launch(on: device, memory) } }
    }
    // Only now: a recording that failed is tried again by the next run.
    boundGeneration = store.arena.generation
  }

  deinit {
    for address in allocations { store.device.release(address) }
    table.deinitialize(count: valueCount)
    table.deallocate()
  }
}

/// What can be known of a program without any memory: its operations, placement and size.
public struct ProgramPlan {
  let ops: [any Op]
  let placements: [(value: Int, offset: Int)]
  let arenaSize: Int
  let isUsed: [Bool]
  public let floatingPointOperations: Int
  private let workspace: Int
  private let persistent: Int

  public init(_ graph: Graph) {
    let ops = Liveness.removingDeadCode(graph)
    let lifetimes = Liveness.lifetimes(of: ops, in: graph.values)
    let arenaValues = lifetimes.indices.filter { lifetimes[$0] != nil }
    let placement = Placement(
      arenaValues.compactMap { index in
        lifetimes[index].map { Placement.Item(size: graph.values[index].byteCount, lifetime: $0) }
      })
    var isUsed = [Bool](repeating: false, count: graph.values.count)
    for op in ops { op.forEachOperand { value, _ in isUsed[value.index] = true } }
    // The caller may write an input or read a result that no operation is left to touch.
    for (index, info) in graph.values.enumerated() where [.persistent, .external].contains(info.storage) {
      isUsed[index] = true
    }

    self.ops = ops
    self.isUsed = isUsed
    placements = zip(arenaValues, placement.offsets).map { ($0, $1) }
    arenaSize = placement.size
    floatingPointOperations = graph.floatingPointOperations(of: ops)
    workspace =
      graph.values.indices.filter { isUsed[$0] && graph.values[$0].storage == .workspace }
      .map { graph.values[$0].byteCount }.max() ?? 0
    persistent = graph.values.indices.filter {
      guard isUsed[$0] else { return false }
      switch graph.values[$0].storage {
      case .persistent, .constant: return true
      case .external, .activation, .workspace, .parameter, .parameterGradient: return false
      }
    }.reduce(0) { $0 + graph.values[$1].byteCount }
  }

  /// Memory by class, when `group` says which parameters are trained.
  public func memory(
    parameters: [Parameter], precision: Precision, group: (Parameter) -> ParameterGroup
  ) -> MemoryReport {
    var report = MemoryReport()
    let hasMasters = precision.keepsMasters && parameters.contains { !group($0).isFrozen }
    for parameter in parameters {
      let count = parameter.storedCount(precision)
      report.parameters += count * parameter.dtype(precision).size
      if hasMasters { report.optimizer += count * DType.float32.size }
      if !group(parameter).isFrozen {
        report.gradients += count * DType.float32.size
        report.optimizer += count * 2 * precision.moments.size
      }
    }
    report.workspace = workspace
    report.activations = max(arenaSize - workspace, 0)
    report.persistent = persistent
    return report
  }

  func memory(store: ParameterStore) -> MemoryReport {
    memory(parameters: store.parameters, precision: store.precision) {
      store.isTrainable($0.name) ? ParameterGroup() : .frozen
    }
  }
}
