import CKernels
import Glibc

/// Measures which of several kernels computes a kind of product fastest, on the calling thread and memory of its own.
///
/// Kernels take turns, so that a change of clocks meets all alike, and the best turn of each counts: what else runs on
/// the machine only makes them slower.
struct ProductCalibration: ~Copyable {
  private let kind: ProductKind
  private let scratch: UnsafeMutableRawPointer
  private let memory: UnsafeMutableRawPointer
  private let bytes: Int

  /// How much faster another kernel must be than the first.
  private static let margin = 1.04
  /// Kernels that are so much slower than another are not measured further.
  private static let hopeless = 1.3
  private static let turns = 3
  /// Seconds of the shortest turn that is worth measuring.
  private static let shortest = 2e-4

  /// - Parameter scratch: CK_WORKER_SCRATCH_BYTES.
  /// - Returns: nil where there is no memory.
  init?(_ kind: ProductKind, scratch: UnsafeMutableRawPointer) {
    let (m, n, k) = (kind.m, kind.n, kind.k)
    let count = m * k + k * n + m * n
    guard let memory = ck_map(count * MemoryLayout<Float>.stride) else { return nil }
    let numbers = memory.bindMemory(to: Float.self, capacity: count)
    // Small numbers of either sign; pages that were never written would all be the same one.
    for index in 0..<count { numbers[index] = Float(index % 31 - 15) / 16 }
    self.kind = kind
    self.scratch = scratch
    self.memory = memory
    bytes = count * MemoryLayout<Float>.stride
  }

  deinit { ck_unmap(memory, bytes) }

  /// The index of the fastest kernel; 0 unless another is clearly faster.
  func fastest(_ kernels: [ck_gemm_kernel]) -> Int {
    // The first call of a library makes its code, or loads it.
    for kernel in kernels { run(kernel, 1) }
    let first = kernels.map { min(run($0, 1), run($0, 1)) }
    let lead = first.min() ?? 0
    let times = Int((ProductCalibration.shortest / max(lead, 1e-7)).rounded(.up))
    let contenders = kernels.indices.filter { $0 == 0 || first[$0] <= lead * ProductCalibration.hopeless }
    guard contenders.count > 1 else { return 0 }
    var best = [Double](repeating: .infinity, count: kernels.count)
    for _ in 0..<ProductCalibration.turns {
      for index in contenders { best[index] = min(best[index], run(kernels[index], times)) }
    }
    let winner = contenders.min { best[$0] < best[$1] } ?? 0
    return best[0] > best[winner] * ProductCalibration.margin ? winner : 0
  }

  /// Seconds of one of `times` products.
  @discardableResult
  private func run(_ gemm: ck_gemm_kernel, _ times: Int) -> Double {
    let (m, n, k) = (kind.m, kind.n, kind.k)
    let a = memory.assumingMemoryBound(to: Float.self)
    let b = a + m * k
    let c = b + k * n
    let start = ProductCalibration.now
    for _ in 0..<times {
      gemm(
        kind.transposeA, kind.transposeB, Int64(m), Int64(n), Int64(k), a, Int64(kind.transposeA ? m : k), b,
        Int64(kind.transposeB ? k : n), false, c, Int64(n), scratch)
    }
    return (ProductCalibration.now - start) / Double(times)
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
