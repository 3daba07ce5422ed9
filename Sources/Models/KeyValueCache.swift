import Programs
import Tensors

/// Keys and values of one sequence, for all layers of a model: what programs that run its tokens leave, and programs that
/// continue it see. It belongs to one model and store.
public final class KeyValueCache {
  /// Positions it holds.
  public let capacity: Int
  private let device: any Device
  private var layers: [(keys: Tensor, values: Tensor)] = []

  public init(device: any Device, capacity: Int) {
    self.device = device
    self.capacity = capacity
  }

  /// Memory for the caches of a pass, which has them in the order of layers. The first pass decides their sizes.
  /// - Throws: `DeviceError`.
  func memory(for pass: ForwardPass) throws(DeviceError) -> [(Value, Tensor)] {
    var memory: [(Value, Tensor)] = []
    for (layer, cache) in pass.caches.enumerated() {
      if layer == layers.count {
        layers.append((try allocate(pass.graph, cache.keys), try allocate(pass.graph, cache.values)))
      }
      memory += [(cache.keys, layers[layer].keys), (cache.values, layers[layer].values)]
    }
    return memory
  }

  private func allocate(_ graph: Graph, _ value: Value) throws(DeviceError) -> Tensor {
    let (rows, columns) = graph.shape(value)
    let dtype = graph.precision.compute
    return Tensor(
      address: try device.allocate(bytes: rows * columns * dtype.size), rows: rows, columns: columns, dtype: dtype)
  }

  deinit { for layer in layers { [layer.keys, layer.values].forEach { device.release($0.address) } } }
}
