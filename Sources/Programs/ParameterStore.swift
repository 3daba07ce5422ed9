import Tensors

/// The weights of a model on one device, with their gradients and optimiser state when it is trained.
///
/// Every program over the model shares this store (and its activation arena). Parameters lie in memory by optimiser
/// group, so that one launch updates a group. Frozen groups have neither gradients nor optimiser state.
public final class ParameterStore {
  /// The parameters of one optimiser group, as contiguous vectors.
  public struct Group {
    public let group: ParameterGroup
    public let parameters: Tensor
    /// nil when the group is frozen.
    public let state: (gradients: Tensor, m: Tensor, v: Tensor)?
  }

  public let device: any Device
  public let parameters: [Parameter]
  public private(set) var groups: [Group] = []
  let arena: ActivationArena

  private var places: [String: (weight: Tensor, gradient: Tensor?, m: Tensor?, v: Tensor?)] = [:]
  private var allocations: [UnsafeMutableRawPointer] = []

  /// - Parameter group: the optimiser group of each parameter; the default freezes all of them.
  public init(
    device: any Device, parameters: [Parameter], group: (Parameter) -> ParameterGroup = { _ in .frozen }
  ) throws(DeviceError) {
    self.device = device
    self.parameters = parameters
    arena = ActivationArena(device: device)

    var order: [ParameterGroup] = []
    var members: [ParameterGroup: [Parameter]] = [:]
    for parameter in parameters {
      let key = group(parameter)
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(parameter)
    }
    for key in order { try place(members[key] ?? [], in: key) }
  }

  private func place(_ members: [Parameter], in group: ParameterGroup) throws(DeviceError) {
    var offsets: [Int] = []
    var count = 0
    for parameter in members {
      offsets.append(count)
      count += parameter.storedCount
    }
    let weights = try allocate(count)
    let state =
      group.isFrozen
      ? nil : (gradients: try allocate(count), m: try allocate(count), v: try allocate(count))
    for (parameter, offset) in zip(members, offsets) {
      func part(_ whole: Tensor) -> Tensor {
        Tensor(address: whole.address + offset * 4, rows: parameter.rows, columns: parameter.columns)
      }
      places[parameter.name] = (
        part(weights), state.map { part($0.gradients) }, state.map { part($0.m) }, state.map { part($0.v) }
      )
    }
    groups.append(Group(group: group, parameters: weights, state: state))
  }

  private func allocate(_ count: Int) throws(DeviceError) -> Tensor {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
    guard !overflow else { throw .outOfMemory(requested: Int.max) }
    let address = try device.allocate(bytes: bytes)
    allocations.append(address)
    return Tensor(address: address, rows: 1, columns: count)
  }

  public func weight(_ name: String) -> Tensor? { places[name]?.weight }
  public func gradient(_ name: String) -> Tensor? { places[name]?.gradient }
  /// Adam's moments of a parameter, nil when it is frozen.
  public func moments(_ name: String) -> (m: Tensor, v: Tensor)? {
    guard let place = places[name], let m = place.m, let v = place.v else { return nil }
    return (m, v)
  }

  public func isTrainable(_ name: String) -> Bool { places[name]?.gradient != nil }

  /// Number of elements, and of those that are trained.
  public var parameterCount: (total: Int, trainable: Int) {
    parameters.reduce(into: (0, 0)) { counts, parameter in
      counts.0 += parameter.count
      if isTrainable(parameter.name) { counts.1 += parameter.count }
    }
  }

  deinit { for address in allocations { device.release(address) } }
}
