import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("CPU device")
struct CPUDeviceTests {
  @Test("memory is zeroed and aligned, small and large", arguments: [0, 1, 64, 4097, 2 << 20, (4 << 20) + 5])
  func allocation(bytes: Int) throws {
    let device = try CPUDevice(threads: 1)
    let address = try device.allocate(bytes: bytes)
    #expect(Int(bitPattern: address) % 64 == 0)
    #expect(UnsafeRawBufferPointer(start: address, count: bytes).allSatisfy { $0 == 0 })
    if bytes > 0 { (address + bytes - 1).storeBytes(of: 1, as: UInt8.self) }
    device.release(address)
  }

  @Test("a size that cannot be had is an error", arguments: [-1, 1 << 50, Int.max])
  func outOfMemory(bytes: Int) throws {
    let device = try CPUDevice(threads: 1)
    let error = #expect(throws: DeviceError.self) { _ = try device.allocate(bytes: bytes) }
    guard case .outOfMemory(bytes) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("uploads to and downloads from strided rows")
  func transfers() throws {
    let device = try CPUDevice(threads: 1)
    let view = try device.gappedTensor(3, 2, gap: 2, seed: 1)
    device.write([1, 2, 3, 4, 5, 6] as [Float], to: view)
    #expect(try device.memory(view) == [1, 2, 0.5, 0.5, 3, 4, 0.5, 0.5, 5, 6, 0.5, 0.5])
    #expect(try device.floats(view) == [1, 2, 3, 4, 5, 6])
  }

  @Test("a recording runs its kernels each time it is replayed, and not before")
  func replay() throws {
    let device = try CPUDevice(threads: 2)
    let total = try device.tensor(1, 3)
    let one = try device.tensor(1, 3, [1, 2, 3])
    let replay = device.record { device.add(total, total, one) }
    #expect(try device.floats(total) == [0, 0, 0])
    for _ in 0..<3 { try replay.run() }
    #expect(try device.floats(total) == [3, 6, 9])
  }

  @Test("the number of threads is checked", arguments: [0, -1, 1025])
  func threads(count: Int) {
    #expect(throws: DeviceError.self) { _ = try CPUDevice(threads: count) }
  }

  @Test("says what it computes with")
  func description() throws {
    let plain = try CPUDevice(threads: 3, blas: .plain)
    #expect(plain.info.name == "CPU (3 threads, plain C)")
    #expect(plain.info.threads == 3)
    #expect(plain.blas == BLASInfo(name: "plain C"))
    #expect(try CPUDevice().threads == Processors.available)
    // With nowhere to remember a choice.
    #expect(try CPUDevice(threads: 3).info.name == plain.info.name)
  }

  @Test("a library says what it is, or why it cannot be used", arguments: [BLAS.openBLAS, .oneDNN, .mkl])
  func libraries(blas: BLAS) throws {
    guard BLAS.available.contains(blas) else {
      let error = #expect(throws: DeviceError.self) { _ = try CPUDevice(threads: 1, blas: blas) }
      let message = "\(try #require(error))"
      #expect(message.contains("\(blas.name) cannot be used") && message.contains("install"), "\(message)")
      return
    }
    let device = try CPUDevice(threads: 1, blas: blas)
    #expect(device.info.name == "CPU (1 thread, \(blas.name))")
    #expect(device.blas.version?.hasPrefix(blas.name) == true)
    #expect(device.blas.path?.hasPrefix("/") == true)
    #expect(try CPUDevice(threads: 1, blas: blas).blas == device.blas)
  }
}
