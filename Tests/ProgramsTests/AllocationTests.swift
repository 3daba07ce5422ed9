import CAllocationCounter
import CPUBackend
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Programs

/// Serialised, because the count is of all observed threads.
@Suite(.serialized) struct AllocationTests {
  /// Heap allocations of this thread, and of the threads it started while it was observed, during `body`.
  private func allocations(_ body: () throws -> Void) rethrows -> Int {
    let before = allocation_counter_total()
    try body()
    return Int(allocation_counter_total() - before)
  }

  @Test func theCounterCounts() {
    @Sendable func allocate(_ times: Int) {
      for _ in 0..<times { UnsafeMutableRawPointer.allocate(byteCount: 1000, alignment: 64).deallocate() }
    }
    #expect(allocations { allocate(3) } == 0)
    allocation_counter_observe(true)
    defer { allocation_counter_observe(false) }
    #expect(allocations { allocate(3) } == 3)
    #expect(allocations {} == 0)

    let start = DispatchSemaphore(value: 0)
    let end = DispatchSemaphore(value: 0)
    Thread {
      start.wait()
      allocate(100)
      end.signal()
    }.start()
    #expect(
      allocations {
        start.signal()
        end.wait()
      } >= 100)
  }

  @Test(arguments: [1, 3], Recompute.allCases)
  func trainingStepAllocatesNothing(threads: Int, recompute: Recompute) throws {
    allocation_counter_observe(true)
    defer { allocation_counter_observe(false) }
    let device = try CPUDevice(threads: threads)
    for body in [TestModel.gpt2(blocks: 2), TestModel.llama(blocks: 2), TestModel.parallelResidual(blocks: 2)] {
      let fixture = try Fixture(device, rows: 24, recompute: recompute, body)
      let optimizer = try OptimizerProgram(store: fixture.store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
      let tokens = [Int32](repeating: 3, count: 24)
      func step(_ number: Int) throws {
        device.write(tokens, to: fixture.program[fixture.inputs.tokens])
        device.scalars.pointee.learningRate = 0.01 / Float(number)
        try fixture.program.run()
        try optimizer.run()
      }
      // The first run binds addresses.
      try step(1)
      #expect(try allocations { for number in 2...21 { try step(number) } } == 0)
    }
  }
}
