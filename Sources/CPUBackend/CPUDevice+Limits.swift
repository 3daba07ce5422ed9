import CKernels

/// What a profile of the device's kernels asks of it.
extension CPUDevice {
  /// Floating-point operations a second of all threads together in multiply-adds on registers, and bytes a second that
  /// they read and write when they update memory far larger than the caches. Takes a third of a second, and 256 MiB for
  /// as long.
  public func measureLimits() -> (operationsPerSecond: Double, bytesPerSecond: Double) {
    (ck_probe_multiply_adds(pool), ck_probe_memory(pool))
  }

  /// Begins to count the time that threads spend in kernels; see `busyNanoseconds`.
  public func countBusyTime() { ck_pool_count_busy_time(pool, true) }

  /// What was counted so far, all threads together.
  public var busyNanoseconds: UInt64 { UInt64(ck_pool_busy_nanoseconds(pool)) }
}
