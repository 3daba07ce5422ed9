import CCUDA
import Tensors

extension CUDADevice {
  /// Captures what `body` launches as a CUDA graph. `body` is called twice, and launches nothing: first kernels choose
  /// their algorithms and take their scratch memory, none of which can be done in a capture, then they are captured.
  ///
  /// - Throws: what a kernel says that cannot be prepared or captured.
  public func record(_ body: @escaping () -> Void) throws(DeviceError) -> any Replay {
    try throwFailure()
    guard options.graphs, !options.check else { return DirectReplay(device: self, body: body) }

    isRecording = true
    defer { isRecording = false }
    try check(table.pointee.prepare_begin(context))
    body()
    try check(table.pointee.prepare_end(context))
    try throwFailure()

    try check(table.pointee.capture_begin(context))
    body()
    var graph: OpaquePointer?
    let status = table.pointee.capture_end(context, &graph)
    // The kernel that broke the capture says more than its end does.
    if let failure {
      table.pointee.graph_destroy(context, graph)
      self.failure = nil
      throw failure
    }
    try check(status)
    return GraphReplay(device: self, graph: graph!)
  }

  /// Milliseconds that the device takes for what `body` launches. Waits for it.
  public func time(_ body: () throws(DeviceError) -> Void) throws(DeviceError) -> Double {
    var from: OpaquePointer?
    var to: OpaquePointer?
    defer {
      table.pointee.event_destroy(context, from)
      table.pointee.event_destroy(context, to)
    }
    try check(table.pointee.event_record(context, &from))
    try body()
    try check(table.pointee.event_record(context, &to))
    try throwFailure()
    var milliseconds: Float = 0
    try check(table.pointee.elapsed(context, from, to, &milliseconds))
    return Double(milliseconds)
  }
}

private final class GraphReplay: Replay {
  let device: CUDADevice
  let graph: OpaquePointer

  init(device: CUDADevice, graph: OpaquePointer) {
    self.device = device
    self.graph = graph
  }

  deinit { device.table.pointee.graph_destroy(device.context, graph) }

  func run() throws(DeviceError) {
    try device.throwFailure()
    try device.check(device.storeScalars())
    try device.check(device.table.pointee.graph_launch(device.context, graph))
  }
}

/// Launches kernels one by one, where graphs are switched off.
private struct DirectReplay: Replay {
  let device: CUDADevice
  let body: () -> Void

  func run() throws(DeviceError) {
    body()
    try device.throwFailure()
  }
}
