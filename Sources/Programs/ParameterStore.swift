import Tensors

/// The weights of a model on one device, with their gradients and optimiser state when it is trained.
///
/// Every program over the model shares this store (and its activation arena). Parameters lie in memory by optimiser
/// group and element type, so that one launch updates a group. Frozen groups have neither gradients nor optimiser
/// state.
///
/// Programs see parameters as they are stored: rounded to `precision`, heads padded. The host sees them as checkpoints
/// have them, through `write` and `read`.
public final class ParameterStore {
  /// The parameters of one optimiser group and element type, as contiguous vectors.
  public struct Group {
    public let group: ParameterGroup
    public let parameters: Tensor
    /// What `parameters` are the rounded values of, float32; nil where they are float32 themselves, and where nothing
    /// is trained. Frozen groups of a model that is trained have theirs, so that a checkpoint has what was loaded.
    public let master: Tensor?
    /// nil when the group is frozen.
    public let state: State?
  }

  /// What training keeps of some parameters.
  public struct State {
    public let gradients: Tensor
    /// Adam's moments.
    public let m: Tensor
    public let v: Tensor
  }

  public let device: any Device
  public let parameters: [Parameter]
  public let precision: Precision
  public private(set) var groups: [Group] = []
  let arena: ActivationArena
  private var places: [String: Place] = [:]
  private var allocations: [UnsafeMutableRawPointer] = []

  struct Place {
    let parameter: Parameter
    let weight: Tensor
    let master: Tensor?
    let state: State?
  }

  /// - Parameter group: the optimiser group of each parameter; the default freezes all of them.
  /// - Throws: `DeviceError`, also for a precision that the device does not have.
  /// - Precondition: where weights are narrower than what is computed in, all of them are frozen.
  public init(
    device: any Device, parameters: [Parameter], precision: Precision = .float32,
    group: (Parameter) -> ParameterGroup = { _ in .frozen }
  ) throws(DeviceError) {
    guard device.info.dtypes.contains(precision.compute) else {
      throw .unavailable(
        "\(device.info.name) does not compute in \(precision.compute): use --precision float32, or --device cuda")
    }
    guard device.info.momentTypes.contains(precision.moments) else {
      throw .unavailable("\(device.info.name) does not keep moments in \(precision.moments): use float32")
    }
    if precision.weights != precision.compute {
      guard precision.compute == .float32, device.info.weightTypes.contains(precision.weights) else {
        throw .unavailable(
          "\(device.info.name) does not compute in \(precision.compute) with weights of \(precision.weights)")
      }
    }
    self.device = device
    self.parameters = parameters
    self.precision = precision
    arena = ActivationArena(device: device)
    var order: [Kind] = []
    var members: [Kind: [Parameter]] = [:]
    for parameter in parameters {
      let kind = Kind(group: group(parameter), dtype: parameter.dtype(precision))
      if members[kind] == nil { order.append(kind) }
      members[kind, default: []].append(parameter)
    }
    let trains = order.contains { !$0.group.isFrozen }
    precondition(!trains || precision.weights == precision.compute, "weights that are stored narrow are not trained")
    for kind in order { try place(members[kind] ?? [], kind, hasMaster: precision.keepsMasters && trains) }
  }

  /// What parameters that lie together have in common.
  private struct Kind: Hashable {
    let group: ParameterGroup
    let dtype: DType
  }

  private func place(_ members: [Parameter], _ kind: Kind, hasMaster: Bool) throws(DeviceError) {
    var offsets: [Int] = []
    var count = 0
    for parameter in members {
      offsets.append(count)
      count += parameter.storedCount(precision)
    }
    let weights = try allocate(count, kind.dtype)
    let master = hasMaster ? try allocate(count, .float32) : nil
    let state =
      kind.group.isFrozen
      ? nil
      : State(
        gradients: try allocate(count, .float32), m: try allocate(count, precision.moments),
        v: try allocate(count, precision.moments))
    for (parameter, offset) in zip(members, offsets) {
      let (rows, columns) = parameter.storedShape(precision)
      func part(_ whole: Tensor) -> Tensor {
        Tensor(
          address: whole.address + offset * whole.dtype.size, rows: rows, columns: columns, dtype: whole.dtype)
      }
      places[parameter.name] = Place(
        parameter: parameter, weight: part(weights), master: master.map(part),
        state: state.map { State(gradients: part($0.gradients), m: part($0.m), v: part($0.v)) })
    }
    groups.append(Group(group: kind.group, parameters: weights, master: master, state: state))
  }

  private func allocate(_ count: Int, _ dtype: DType) throws(DeviceError) -> Tensor {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: dtype.size)
    guard !overflow else { throw .outOfMemory(requested: Int.max) }
    let address = try device.allocate(bytes: bytes)
    allocations.append(address)
    return Tensor(address: address, rows: 1, columns: count, dtype: dtype)
  }

  /// A parameter as programs see it.
  public func weight(_ name: String) -> Tensor? { places[name]?.weight }
  /// The gradient of a parameter, laid out as the parameter; nil when it is frozen.
  public func gradient(_ name: String) -> Tensor? { places[name]?.state?.gradients }
  public func isTrainable(_ name: String) -> Bool { gradient(name) != nil }

  /// All memory of the store: weights, masters, gradients and moments.
  public var tensors: [Tensor] {
    groups.flatMap { [$0.parameters, $0.master, $0.state?.gradients, $0.state?.m, $0.state?.v].compactMap(\.self) }
  }

  func place(_ name: String) -> Place? { places[name] }

  /// Number of elements, and of those that are trained.
  public var parameterCount: (total: Int, trainable: Int) {
    parameters.reduce(into: (0, 0)) { counts, parameter in
      counts.0 += parameter.count
      if isTrainable(parameter.name) { counts.1 += parameter.count }
    }
  }

  deinit { for address in allocations { device.release(address) } }
}
