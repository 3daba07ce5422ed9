import CKernels

/// What a profile of the device's kernels asks of it.
extension CPUDevice {
  /// Floating-point operations a second of all threads together in multiply-adds on registers, and bytes a second that
  /// they read and write when they update memory far larger than the caches. Takes a third of a second, and 256 MiB for as
  /// long.
  public func measureLimits() -> (operationsPerSecond: Double, bytesPerSecond: Double) {
    (ck_probe_multiply_adds(pool), ck_probe_memory(pool))
  }

  /// Begins to count the time that threads spend in kernels; see `busyNanoseconds`.
  public func countBusyTime() { ck_pool_count_busy_time(pool, true) }

  /// What was counted so far, all threads together.
  public var busyNanoseconds: UInt64 { UInt64(ck_pool_busy_nanoseconds(pool)) }
}

extension CPUDevice {
  /// Memory that kernels take besides what is allocated: their own scratch, and what libraries pack matrices in, with their
  /// code, as measured with the products of GPT-2.
  static func scratchBytes(_ blas: BLAS, threads: Int) -> Int {
    let (once, thread) =
      switch blas {
      case .plain: (2, 1)
      case .openBLAS: (4, 4)
      case .automatic, .oneDNN, .mkl: (12, 10)
      }
    return (once + threads * thread) << 20
  }
}
