import Programs
import Tensors

/// Keys and values of one sequence, for all layers of a model: what programs that run its tokens leave, and programs that
/// continue it see. It belongs to one model and store.
public final class KeyValueCache {
  /// Positions it holds.
  public let capacity: Int
  private let device: any Device
  /// Keys and values of each layer, in the order in which a pass asks for them.
  private var tensors: [Tensor] = []

  public init(device: any Device, capacity: Int) {
    self.device = device
    self.capacity = capacity
  }

  /// Memory for the caches of a pass, which has them in the order of layers. The first pass decides their sizes.
  /// - Throws: `DeviceError`.
  func memory(for pass: ForwardPass) throws(DeviceError) -> [(Value, Tensor)] {
    let values = pass.caches.flatMap { [$0.keys, $0.values] }
    for value in values.dropFirst(tensors.count) { tensors.append(try allocate(pass.graph, value)) }
    return Array(zip(values, tensors))
  }

  private func allocate(_ graph: Graph, _ value: Value) throws(DeviceError) -> Tensor {
    let (rows, columns) = graph.shape(value)
    let dtype = graph.precision.compute
    return Tensor(
      address: try device.allocate(bytes: rows * columns * dtype.size), rows: rows, columns: columns, dtype: dtype)
  }

  deinit { for tensor in tensors { device.release(tensor.address) } }
}
