import Tensors

/// The update of a training step: global gradient norm, clipping and AdamW, group by group.
///
/// Reads the learning rate, bias corrections and clip from the device's `StepScalars`, and leaves the gradients zero.
public final class OptimizerProgram {
  private let store: ParameterStore
  private let squaredNorm: Tensor
  private let replay: any Replay

  /// AdamW with these β and ε; weight decay and learning-rate multiplier are the groups'.
  public init(store: ParameterStore, beta1: Double, beta2: Double, epsilon: Float) throws(DeviceError) {
    self.store = store
    let device = store.device
    let squaredNorm = Tensor(address: try device.allocate(bytes: 64), rows: 1, columns: 1)
    self.squaredNorm = squaredNorm
    let updates = store.groups.compactMap { group in
      group.state.map { state in
        (
          parameters: group.parameters, master: group.master, state: state,
          spec: AdamWSpec(
            beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: group.group.weightDecay,
            learningRateMultiplier: group.group.learningRateMultiplier)
        )
      }
    }
    do throws(DeviceError) {
      replay = try device.record {
        device.fill(squaredNorm, 0)
        // By index: in an unoptimised build, an iterator over tuples would allocate.
        for index in updates.indices { device.sumOfSquares(squaredNorm, updates[index].state.gradients) }
        for index in updates.indices {
          let update = updates[index]
          device.adamW(
            parameters: update.parameters, master: update.master, gradients: update.state.gradients,
            m: update.state.m, v: update.state.v, squaredNorm: squaredNorm, update.spec)
        }
      }
    } catch {
      device.release(squaredNorm.address)
      throw error
    }
  }

  public func run() throws(DeviceError) { try replay.run() }

  /// The global gradient norm of the last update, before clipping. Waits for the device.
  public func gradientNorm() throws(DeviceError) -> Float {
    var squared: Float = 0
    try withUnsafeMutableBytes(of: &squared) { bytes throws(DeviceError) in
      try store.device.download(squaredNorm, to: bytes)
    }
    return squared.squareRoot()
  }

  deinit { store.device.release(squaredNorm.address) }
}
