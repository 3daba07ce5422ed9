import CKernels
import CPUBackend
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("What a profile asks of the CPU device")
struct LimitsTests {
  /// Far off either way would be a mistake of units, or a loop that the compiler left out.
  @Test("limits are those of a computer")
  func limits() throws {
    let device = try CPUDevice(threads: 1)
    let limits = device.measureLimits()
    #expect(limits.operationsPerSecond > 1e8 && limits.operationsPerSecond < 1e13)
    #expect(limits.bytesPerSecond > 1e8 && limits.bytesPerSecond < 1e13)
  }

  @Test("time in tasks is counted when it is asked for")
  func busyTime() throws {
    let pool = try #require(ck_pool_create(3))
    defer { ck_pool_destroy(pool) }
    let sleep: ck_task = { _, _, _, _ in usleep(5000) }
    ck_parallel(pool, 3, 1, sleep, nil)
    #expect(ck_pool_busy_nanoseconds(pool) == 0)
    ck_pool_count_busy_time(pool, true)
    ck_parallel(pool, 3, 1, sleep, nil)
    let three = ck_pool_busy_nanoseconds(pool)
    #expect(three >= 15_000_000)
    ck_parallel_dynamic(pool, 1, 1, sleep, nil)
    #expect(ck_pool_busy_nanoseconds(pool) - three >= 5_000_000)
  }
}
