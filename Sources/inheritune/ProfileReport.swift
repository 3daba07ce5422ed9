import CPUBackend
import Profiling
import Tensors

extension StepProfiler {
  /// A profiler of what a device does, compared with what it can do, which is measured here.
  convenience init(of device: any Device) throws(DeviceError) {
    guard let cpu = device as? CPUDevice else {
      self.init(limits: try Calibration.limits(of: device), threads: device.info.threads)
      return
    }
    let limits = cpu.measureLimits()
    guard limits.bytesPerSecond > 0 else { throw .outOfMemory(requested: 256 << 20) }
    cpu.countBusyTime()
    self.init(
      limits: MachineLimits(
        operationsPerSecond: limits.operationsPerSecond, bytesPerSecond: limits.bytesPerSecond,
        method: "multiply-adds in registers, 256 MiB updated in place"),
      threads: cpu.threads, busyNanoseconds: { cpu.busyNanoseconds })
  }
}

/// What `train --profile` prints.
extension StepProfile {
  var text: String {
    [
      "profile of \(Format.count(steps, "step")), after \(warmUpSteps) of warm-up: \((1e3 * seconds).formatted(2)) ms a step",
      "limits: \(Format.operations(limits.operationsPerSecond)), \(Format.traffic(limits.bytesPerSecond)) "
        + "(\(limits.method)\(idleShare == nil ? "" : ", " + Format.count(threads, "thread")))", "", table, "", summary,
    ].joined(separator: "\n")
  }

  private var table: String {
    let rows = kernels.map { kernel in
      [
        kernel.kernel.description, kernel.calls.formatted(kernel.calls == kernel.calls.rounded() ? 0 : 1),
        milliseconds(kernel.seconds), share(kernel.seconds),
        kernel.operations > 0 ? Format.operations(kernel.rate) : Format.traffic(kernel.rate),
        percent(kernel.shareOfLimit(limits)), kernel.busyShare(threads: threads).map(percent) ?? "",
      ]
    }
    let host =
      StepProfiler.HostWork.allCases.map { ($0.label, hostSeconds[$0] ?? 0) }
      + [("calling kernels, bookkeeping", otherSeconds)]
    let busy = idleShare.map { percent(1 - $0) } ?? ""
    return Format.table(
      [["kernel", "calls", "ms", "share", "rate", "of limit", "threads busy"]] + rows
        + host.map { [$0.0, "", milliseconds($0.1), share($0.1)] }
        + [["step", "", milliseconds(seconds), share(seconds), "", "", busy]])
  }

  /// Attention and products apart, traffic, idle threads.
  private var summary: String {
    let products = operations(of: .product) / seconds(of: .product)
    var lines = [
      "products    \(share(seconds(of: .product))) of the step, at \(Format.operations(products)), "
        + "\(percent(products / limits.operationsPerSecond)) of the limit; with the rest of the step "
        + "\(percent(operations(of: .product) / seconds / limits.operationsPerSecond))",
      "attention   \(share(seconds(of: .attention))) of the step; the causal half of its scores counts, and backward not "
        + "those that are computed again",
      "other       \(share(seconds(of: .memory))) of the step in kernels that are bound by memory",
      "traffic     \(Format.bytes(Int(parameterBytes))) of parameters, gradients and moments, "
        + "\(Format.bytes(Int(activationBytes))) of activations a step, each operand once a call",
    ]
    if let idleShare {
      lines.append("idle        \(percent(idleShare)) of the threads' time: serial sections, uneven shares, host")
    }
    return lines.joined(separator: "\n")
  }

  private func milliseconds(_ seconds: Double) -> String { (1e3 * seconds).formatted(2) }
  private func share(_ part: Double) -> String { percent(part / seconds) }
  private func percent(_ share: Double) -> String { "\((100 * share).formatted(1)) %" }
}

extension StepProfiler.HostWork {
  fileprivate var label: String {
    switch self {
    case .batch: "waiting for the batch"
    case .upload: "copying the batch to the device"
    case .metrics: "reading and writing metrics"
    }
  }
}

extension Format {
  /// "412.3 GFLOP/s".
  fileprivate static func operations(_ rate: Double) -> String { "\((rate / 1e9).formatted(1)) GFLOP/s" }
  /// "38.2 GB/s".
  fileprivate static func traffic(_ rate: Double) -> String { "\((rate / 1e9).formatted(1)) GB/s" }
}
