import Files
import Profiling

extension StepProfile {
  /// The profile as `profile.json` has it. Times are seconds a step, rates are a second, shares are 0 to 1.
  public var json: JSONObject {
    var host = JSONObject()
    for work in StepProfiler.HostWork.allCases { host[work.rawValue] = .number(hostSeconds[work] ?? 0) }
    host["other"] = .number(otherSeconds)
    return [
      "steps": .integer(Int64(steps)), "warm_up_steps": .integer(Int64(warmUpSteps)), "seconds": .number(seconds),
      "threads": .integer(Int64(threads)),
      "limits": .object([
        "operations_per_second": .number(limits.operationsPerSecond),
        "bytes_per_second": .number(limits.bytesPerSecond), "method": .string(limits.method),
      ]),
      "product_seconds": .number(seconds(of: .product)), "product_operations": .number(operations(of: .product)),
      "idle_share": idleShare.map(JSON.number) ?? .null,
      "parameter_bytes": .number(parameterBytes), "activation_bytes": .number(activationBytes),
      "host_seconds": .object(host),
      "kernels": .array(kernels.map { .object(json(of: $0)) }),
    ]
  }

  private func json(of kernel: Kernel) -> JSONObject {
    [
      "kernel": .string(kernel.kernel.description), "kind": .string(kernel.kernel.kind.rawValue),
      "calls": .number(kernel.calls), "seconds": .number(kernel.seconds), "share": .number(kernel.seconds / seconds),
      "operations": .number(kernel.operations), "parameter_bytes": .number(kernel.parameterBytes),
      "activation_bytes": .number(kernel.activationBytes), "rate": .number(kernel.rate),
      "share_of_limit": .number(kernel.shareOfLimit(limits)),
      "busy_share": kernel.busyShare(threads: threads).map(JSON.number) ?? .null,
    ]
  }

  func write(to path: String) throws {
    try AtomicFile.write(path) { writer in
      try writer.write(JSON.object(json).serialized(indent: 1) + "\n")
    }
  }
}
