import CCUDA
import CUDABackend
import CUDAKernels
import Tensors
import Testing

/// What a user sees when a device cannot be had.
@Suite("Starting a CUDA device")
struct StartTests {
  private func start(device: Int = 0, _ change: (inout cuda_emulation) -> Void) throws -> String {
    try emulating(change) {
      message { _ = try CUDADevice(library: emulatedLibrary, options: CUDAOptions(device: device)) }
    }
  }

  @Test("no driver")
  func noDriver() throws {
    let words = try start { $0.driver_version = 0 }
    #expect(words.contains("no NVIDIA driver was found (libcuda.so.1)"))
    #expect(words.contains("version 580 or newer"))
    #expect(words.contains("--gpus all"))
  }

  @Test("a driver older than the library")
  func oldDriver() throws {
    let words = try start { $0.driver_version = 12040 }
    #expect(words.contains("the NVIDIA driver runs CUDA up to 12.4, and this library was built with CUDA 13.0"))
    #expect(words.contains("install driver 580 or newer"))
    #expect(words.contains("build the library with CUDA 12 (scripts/build-cuda.sh)"))
  }

  @Test("a driver and no device")
  func noDevice() throws {
    let words = try start { $0.devices = 0 }
    #expect(words.contains("no GPU"))
    #expect(words.contains("nvidia-smi"))
  }

  @Test("a device that is not there", arguments: [-1, 1, 1 << 40])
  func wrongIndex(device: Int) throws {
    let words = try start(device: device) { _ in }
    #expect(words.contains("there is no CUDA device"))
    #expect(words.contains("this machine has one, number 0"))
    #expect(try start(device: 2) { $0.devices = 2 }.contains("numbered from 0"))
  }

  @Test("a device that is too old")
  func oldDevice() throws {
    let words = try start { $0.capability = 75 }
    #expect(words.contains("has compute capability 7.5; 8.0 or newer is needed"))
  }

  @Test("a device whose memory is in use")
  func fullDevice() throws {
    let words = try start { $0.memory = 16 }
    #expect(words.contains("out of memory"))
    #expect(words.contains("0.00 are free: nvidia-smi shows which programs have the rest"))
  }

  @Test("a library that is not there")
  func noLibrary() {
    let words = message { _ = try CUDADevice(library: "nowhere/libinheritune_cuda.so") }
    #expect(words.contains("nowhere/libinheritune_cuda.so"))
    #expect(words.contains("scripts/build-cuda.sh"))
  }

  @Test("a start that fails takes no memory with it")
  func failureReleases() throws {
    try emulating({ $0.memory = 1 << 20 }) {
      for _ in 0..<3 {
        #expect(message { _ = try CUDADevice(library: emulatedLibrary, options: CUDAOptions(device: 1)) } != "no error")
      }
      let device = try CUDADevice.emulated()
      let memory = try device.memory()
      #expect(memory.total == 1 << 20)
      #expect(memory.free > memory.total - 4096)
    }
  }

  @Test("says what it computes with")
  func description() throws {
    let device = try CUDADevice.emulated()
    #expect(device.info.name == "CUDA emulated on the processor")
    #expect(device.info.dtypes == [.float32, .bfloat16])
    #expect(device.info.isAccelerator)
    #expect(device.info.peakOperationsPerSecond == nil)
    #expect(device.hardware.capability == 90)
    #expect(device.hardware.driverVersion == "13.0")
    #expect(!device.engines.matmul.isEmpty && !device.engines.attention.isEmpty)
    #expect(emulatedLibrary.build == "CUDA emulated on the processor")
    #expect(emulatedLibrary.version == "\(IC_ABI_MAJOR).\(IC_ABI_MINOR)")
    #expect(try emulatedLibrary.deviceCount() == 1)
    #expect(ic_emulated_table(UInt32(IC_ABI_MAJOR) + 1) == nil)
  }

  @Test(
    "knows the peak of cards by their names",
    arguments: [
      ("NVIDIA H200", 989.4e12), ("NVIDIA H100 80GB HBM3", 989.4e12), ("NVIDIA H100 PCIe", 756e12),
      ("NVIDIA A100-SXM4-80GB", 312e12), ("NVIDIA L4", 121e12), ("NVIDIA L40S", 362e12),
      ("NVIDIA GeForce RTX 3090", 71e12), ("NVIDIA GeForce RTX 4090", 165.2e12), ("NVIDIA RTX A6000", 154.8e12),
      ("NVIDIA GeForce GTX 1080", nil),
    ])
  func peaks(name: String, peak: Double?) {
    #expect(CUDADeviceInfo.peakOperationsPerSecond(ofCard: name) == peak)
  }
}
