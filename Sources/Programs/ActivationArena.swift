import Tensors

/// One block of device memory that several programs use in turn for their activations.
///
/// Training, scoring and decoding never run at the same time, so that evaluating inside a training run needs no second
/// arena. Growing moves the block; `generation` tells programs that their addresses are stale.
final class ActivationArena {
  private let device: any Device
  private(set) var base: UnsafeMutableRawPointer?
  private(set) var size = 0
  private(set) var generation = 0

  init(device: any Device) { self.device = device }

  func reserve(_ bytes: Int) throws(DeviceError) {
    guard bytes > size else { return }
    try device.synchronize()
    if let base { device.release(base) }
    base = nil
    size = 0
    base = try device.allocate(bytes: bytes)
    size = bytes
    generation += 1
  }

  deinit { if let base { device.release(base) } }
}
