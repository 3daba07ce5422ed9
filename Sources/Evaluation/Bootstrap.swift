import Dispatch
import Foundation
import Synchronization

/// Bootstrap replicates of the perplexity, drawn as the harness draws them: blocks of at most 1000 replicates, block i
/// from `random.Random(i)`.
enum Bootstrap {
  /// exp(−mean) of each replicate, in block order. Blocks are independent, so they are shared out to all cores; the
  /// result does not depend on how.
  static func perplexities(_ values: [Double], iterations: Int) -> [Double] {
    let blockSize = min(1000, iterations)
    let blocks = iterations / blockSize
    var replicates = [Double](repeating: 0, count: blocks * blockSize)
    replicates.withUnsafeMutableBufferPointer { output in
      let target = Target(base: output.baseAddress!)
      let next = Atomic<Int>(0)
      let workers = max(1, min(blocks, ProcessInfo.processInfo.activeProcessorCount))
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        while true {
          let block = next.add(1, ordering: .relaxed).oldValue
          if block >= blocks { return }
          values.withUnsafeBufferPointer { values in
            fill(target.base + block * blockSize, count: blockSize, seed: block, from: values)
          }
        }
      }
    }
    return replicates
  }

  private static func fill(
    _ output: UnsafeMutablePointer<Double>, count: Int, seed: Int, from values: UnsafeBufferPointer<Double>
  ) {
    var random = PythonRandom(seed: seed)
    let n = Double(values.count)
    for replicate in 0..<count {
      var sum = 0.0
      for _ in 0..<values.count { sum += values[Int(random.random() * n)] }
      output[replicate] = exp(-(sum / n))
    }
  }

  /// Each worker writes the blocks it has claimed and no others.
  private struct Target: @unchecked Sendable { let base: UnsafeMutablePointer<Double> }
}
