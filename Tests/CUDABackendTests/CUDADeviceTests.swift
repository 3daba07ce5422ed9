import CCUDA
import CUDABackend
import CUDAKernels
import DeviceChecks
import Tensors
import Testing

/// Memory, transfers and errors. Streams are lazy: what forgets to wait reads or overwrites what is not done yet.
@Suite("CUDA device")
struct CUDADeviceTests {
  @Test("memory is zeroed and aligned, small and large", arguments: [0, 1, 64, 4097, (4 << 20) + 5])
  func allocation(bytes: Int) throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated()
      let address = try device.allocate(bytes: bytes)
      #expect(Int(bitPattern: address) % 256 == 0)
      let elements = try device.floats(Tensor(address: address, rows: 1, columns: bytes / 4))
      #expect(elements.allSatisfy { $0 == 0 })
      device.release(address)
      try device.synchronize()
    }
  }

  @Test("memory that cannot be had is an error, and nothing is lost")
  func outOfMemory() throws {
    try emulating({ $0.memory = 1 << 20 }) {
      let device = try CUDADevice.emulated()
      let before = try device.memory().free
      for bytes in [-1, 1 << 20, 1 << 50, Int.max] {
        let error = #expect(throws: DeviceError.self) { _ = try device.allocate(bytes: bytes) }
        guard case .outOfMemory(bytes) = error else {
          Issue.record("\(String(describing: error))")
          return
        }
      }
      #expect(try device.memory().free == before)
      device.release(try device.allocate(bytes: before))
    }
  }

  @Test("a device that ends gives back what was not released")
  func endReleases() throws {
    try emulating({ $0.memory = 1 << 20 }) {
      var free: Set<Int> = []
      for _ in 0..<4 {
        let device = try CUDADevice.emulated()
        free.insert(try device.memory().free)
        _ = try device.allocate(bytes: 600 << 10)
      }
      #expect(free.count == 1)
    }
  }

  // Shapes around the 4 MiB that a copy through pinned memory moves at once: rows that fit, rows that do not.
  @Test(
    "uploads to and downloads from strided rows",
    arguments: [
      (3, 2, 4), (1, 5, 9), (0, 4, 4), (1, 3 << 20, 3 << 20), (700, 4099, 4100), (3, (1 << 20) + 1, (1 << 20) + 3),
    ])
  func transfers(rows: Int, columns: Int, stride: Int) throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated()
      let whole = try device.tensor(rows, stride)
      device.fill(whole, 0.5)
      let view = Tensor(address: whole.address, rows: rows, columns: columns, stride: stride)
      var values = (0..<(rows * columns)).map { Float($0 % 65521) }
      values.withUnsafeBytes { device.upload($0, to: view) }
      // The host's memory may be used again.
      for index in values.indices { values[index] = -1 }
      #expect(try device.floats(view).elementsEqual((0..<(rows * columns)).map { Float($0 % 65521) }))
      let all = try device.floats(whole)
      for row in 0..<rows {
        #expect(all[row * stride..<(row + 1) * stride].dropFirst(columns).allSatisfy { $0 == 0.5 })
      }
    }
  }

  @Test("bfloat16 rows are two bytes an element")
  func bfloat16Transfers() throws {
    let device = try CUDADevice.emulated()
    let address = try device.allocate(bytes: 12)
    let view = Tensor(address: address, rows: 2, columns: 2, stride: 3, dtype: .bfloat16)
    let bits: [UInt16] = [0x3F80, 0x4000, 0x4040, 0x4080]
    bits.withUnsafeBytes { device.upload($0, to: view) }
    let all: [UInt16] = try device.read(Tensor(address: address, rows: 1, columns: 6, dtype: .bfloat16))
    #expect(all == [0x3F80, 0x4000, 0, 0x4040, 0x4080, 0])
    #expect(try device.read(view) == bits)
  }

  @Test("a transfer that leaves its memory is an error")
  func transferOutOfBounds() throws {
    let device = try CUDADevice.emulated()
    let tensor = try device.tensor(1, 4)
    let beyond = Tensor(address: tensor.address, rows: 1, columns: 5)
    [Float](repeating: 1, count: 5).withUnsafeBytes { device.upload($0, to: beyond) }
    #expect(message { try device.synchronize() }.contains("upload"))
    #expect(message { _ = try device.floats(beyond) }.contains("download"))
    #expect(try device.floats(tensor) == [0, 0, 0, 0])
  }

  @Test("kernels see the scalars as they are when they are launched")
  func scalarsOfDirectLaunches() throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated()
      let step = try Step(device)
      device.scalars.pointee.lossScale = 1
      step.launch()
      device.scalars.pointee.lossScale = 10
      step.launch()
      device.scalars.pointee.lossScale = 100
      #expect(try device.floats(step.total) == [11 * step.gradient])
    }
  }

  @Test("the device sets nonFinite, and keeps parameters")
  func nonFinite() throws {
    let device = try CUDADevice.emulated()
    let parameters = try device.tensor(1, 4, [1, 2, 3, 4])
    let gradients = try device.tensor(1, 4, [1, .nan, 1, 1])
    let m = try device.tensor(1, 4)
    let v = try device.tensor(1, 4)
    let squaredNorm = try device.tensor(1, 1)
    device.scalars.pointee.learningRate = 0.1
    device.sumOfSquares(squaredNorm, gradients)
    device.adamW(
      parameters: parameters, master: nil, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm,
      AdamWSpec(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1))
    try device.synchronize()
    #expect(device.scalars.pointee.nonFinite == 1)
    #expect(try device.floats(parameters) == [1, 2, 3, 4])
    #expect(try device.floats(gradients) == [0, 0, 0, 0])
  }

  @Test("a kernel that fails is thrown once, by the next that waits")
  func failureIsRemembered() throws {
    try emulating(failingKernel: "matmul") {
      let device = try CUDADevice.emulated()
      let a = try device.tensor(64, 64)
      let b = try device.tensor(64, 64)
      let c = try device.tensor(64, 64)
      device.matmul(c, a, b, transposeA: false, transposeB: false, accumulate: .set, bias: nil)
      device.add(c, a, b)
      let words = message { try device.synchronize() }
      #expect(words.contains("matmul") && words.contains("told to fail"))
      try device.synchronize()
      device.matmul(c, a, b, transposeA: false, transposeB: false, accumulate: .set, bias: nil)
      #expect(message { _ = try device.floats(c) }.contains("matmul"))
    }
  }

  @Test("a kernel that fails later than its launch is thrown when somebody waits; a check names it")
  func checkNamesTheKernel() throws {
    for check in [false, true] {
      try emulating(failingKernel: "matmul", { $0.lazy_streams = true }) {
        let device = try CUDADevice.emulated(check: check)
        let a = try device.tensor(64, 64)
        let b = try device.tensor(64, 64)
        let c = try device.tensor(64, 64)
        device.matmul(c, a, b, transposeA: false, transposeB: false, accumulate: .set, bias: nil)
        device.add(c, a, b)
        let words = message { try device.synchronize() }
        #expect(words.hasPrefix(check ? "kernel failed: matmul: " : "kernel failed: synchronize: "), "\(words)")
      }
    }
  }

  @Test("time passes between two events")
  func time() throws {
    try emulating({ $0.lazy_streams = true }) {
      let device = try CUDADevice.emulated()
      let x = try device.tensor(64, 1024)
      #expect(try device.time { for _ in 0..<8 { device.fill(x, 1) } } > 0)
    }
  }
}

/// A kernel whose result depends on the scalars, added up: the gradient of a loss at one of two equal logits.
struct Step {
  let device: CUDADevice
  let total: Tensor
  let gradient: Float = 0.5
  private let logits: Tensor, zeros: Tensor, losses: Tensor, targets: Tensor

  init(_ device: CUDADevice) throws {
    self.device = device
    total = try device.tensor(1, 1)
    logits = try device.tensor(1, 2)
    zeros = try device.tensor(1, 2)
    losses = try device.tensor(1, 1)
    targets = try device.integerTensor([1])
  }

  /// total += ½ · lossScale
  func launch() {
    device.copy(logits, zeros)
    device.crossEntropy(losses: losses, logits: logits, targets: targets, softcap: nil, gradient: true)
    device.add(total, total, logits.columns(first: 1))
  }
}
