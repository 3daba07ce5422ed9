import CUDABackend
import CUDAKernels
import DeviceChecks
import Tensors
import Testing

@Suite("CUDA replay")
struct ReplayTests {
  @Test("a recording runs its kernels each time it is replayed, and not before", arguments: [true, false])
  func replay(graphs: Bool) throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated(graphs: graphs)
      let total = try device.tensor(1, 3)
      let one = try device.tensor(1, 3, [1, 2, 3])
      let replay = try device.record { device.add(total, total, one) }
      #expect(try device.floats(total) == [0, 0, 0])
      for _ in 0..<3 { try replay.run() }
      #expect(try device.floats(total) == [3, 6, 9])
    }
  }

  @Test("a replay sees the scalars as they are when it is launched", arguments: [true, false])
  func scalars(graphs: Bool) throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated(graphs: graphs)
      let step = try Step(device)
      device.scalars.pointee.lossScale = 1
      let replay = try device.record { step.launch() }
      for scale in [1, 10, 10, 100] as [Float] {
        device.scalars.pointee.lossScale = scale
        try replay.run()
      }
      device.scalars.pointee.lossScale = 1000
      #expect(try device.floats(step.total) == [121 * step.gradient])
    }
  }

  @Test("scalars that were set to what they are cost no launch, nonFinite of the device included")
  func unchangedScalars() throws {
    try emulating(failingKernel: "store_scalars", { $0.lazy_streams = true }) {
      // The first store, of the start, fails and is reported here.
      let device = try CUDADevice.emulated()
      #expect(message { try device.synchronize() }.contains("store_scalars"))
      let total = try device.tensor(1, 1)
      let replay = try device.record { device.fill(total, 1) }
      device.scalars.pointee.nonFinite = 1
      device.scalars.pointee.lossScale = 1
      try replay.run()
      try device.synchronize()
      device.scalars.pointee.lossScale = 2
      try replay.run()
      #expect(message { try device.synchronize() }.contains("store_scalars"))
    }
  }

  @Test("a kernel that cannot be recorded makes record throw, and the device goes on", arguments: [1, 2])
  func failureInRecord(call: Int) throws {
    let device = try CUDADevice.emulated()
    let total = try device.tensor(1, 3)
    let one = try device.tensor(1, 3, [1, 2, 3])
    // Transfers cannot be recorded: in the first call of the body the preparation fails, in the second the capture.
    var calls = 0
    let words = message {
      _ = try device.record {
        calls += 1
        if calls == call { device.write([1, 2, 3] as [Float], to: one) }
        device.add(total, total, one)
      }
    }
    #expect(words.contains("upload: not while a graph is recorded"))
    #expect(calls == call)
    let replay = try device.record { device.add(total, total, one) }
    try replay.run()
    #expect(try device.floats(total) == [1, 2, 3])
  }

  @Test("a failure of before is thrown by record and by run", arguments: [true, false])
  func failureBefore(graphs: Bool) throws {
    let device = try CUDADevice.emulated(graphs: graphs)
    let total = try device.tensor(1, 3)
    let beyond = Tensor(address: total.address, rows: 1, columns: 4)
    func fail() { [Float](repeating: 0, count: 4).withUnsafeBytes { device.upload($0, to: beyond) } }
    fail()
    #expect(message { _ = try device.record {} }.contains("upload"))
    let replay = try device.record { device.fill(total, 1) }
    fail()
    #expect(message { try replay.run() }.contains("upload"))
    try replay.run()
    #expect(try device.floats(total) == [1, 1, 1])
  }

  @Test("a graph keeps the scratch memory that it was captured with")
  func scratchGrows() throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated()
      let small = try ColumnSum(device, rows: 64, columns: 8)
      let large = try ColumnSum(device, rows: 2, columns: 1 << 20)
      let first = try device.record { small.launch() }
      let before = try device.memory().free
      let second = try device.record { large.launch() }
      let taken = before - (try device.memory().free)
      for _ in 0..<2 {
        try first.run()
        try second.run()
      }
      try small.expectSum(of: 2)
      try large.expectSum(of: 2)

      // What the second took came on top of what the first has: it is what it would have taken alone.
      let other = try CUDADevice.emulated()
      let alone = try ColumnSum(other, rows: 2, columns: 1 << 20)
      let untouched = try other.memory().free
      _ = try other.record { alone.launch() }
      #expect(try untouched - other.memory().free == taken)
      #expect(taken > 2 << 20)
    }
  }

  /// Bias gradients take scratch memory for the sums of parts of the rows.
  private struct ColumnSum {
    let device: CUDADevice
    let dy: Tensor, dBias: Tensor

    init(_ device: CUDADevice, rows: Int, columns: Int) throws {
      self.device = device
      dy = try device.tensor(rows, columns)
      dBias = try device.tensor(1, columns)
      device.fill(dy, 1)
    }

    func launch() { device.biasGradient(dBias, dy) }

    func expectSum(of runs: Int) throws {
      #expect(try device.floats(dBias).allSatisfy { $0 == Float(runs * dy.rows) })
    }
  }
}
