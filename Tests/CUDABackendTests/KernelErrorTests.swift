import CUDABackend
import DeviceChecks
import Tensors
import Testing

/// What the kernels do not do, they say: nothing is computed, and the next thing that waits throws the words.
@Suite("Refused kernels, emulated")
struct KernelErrorTests {
  private static func words(of launch: (CUDADevice, (DType) throws -> Tensor) throws -> Void) throws -> String {
    let device = try CUDADevice.emulated()
    try launch(device) { dtype in
      Tensor(address: try device.allocate(bytes: 4096), rows: 1, columns: 1024, dtype: dtype)
    }
    let error = #expect(throws: DeviceError.self) { try device.synchronize() }
    return error?.description ?? ""
  }

  @Test("bfloat16 parameters need masters")
  func noMaster() throws {
    let words = try Self.words { device, tensor in
      device.adamW(
        parameters: try tensor(.bfloat16), master: nil, gradients: try tensor(.float32), m: try tensor(.float32),
        v: try tensor(.float32), squaredNorm: try tensor(.float32),
        AdamWSpec(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0))
    }
    #expect(words.contains("adamW: bfloat16 parameters without float32 masters"))
  }

  @Test("moments have one type")
  func mixedMoments() throws {
    let words = try Self.words { device, tensor in
      device.adamW(
        parameters: try tensor(.float32), master: nil, gradients: try tensor(.float32), m: try tensor(.float32),
        v: try tensor(.bfloat16), squaredNorm: try tensor(.float32),
        AdamWSpec(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0))
    }
    #expect(words.contains("adamW: m and v of different types"))
  }

  @Test("integers are no numbers with a fraction")
  func integers() throws {
    #expect(
      try Self.words { device, tensor in device.copy(try tensor(.float32), try tensor(.int32)) }
        .contains("copy: int32 rows are copied to int32 rows"))
    #expect(
      try Self.words { device, tensor in device.fill(try tensor(.int32), 1) }
        .contains("fill: float32 or bfloat16 expected"))
  }

  @Test("heads of more than 512 elements are not rotated")
  func wideHeads() throws {
    let words = try Self.words { device, tensor in
      device.rope(
        try tensor(.float32), table: try tensor(.float32), RoPESpec(length: 1, heads: 1, headDimension: 1024),
        inverse: false)
    }
    #expect(words.contains("rope: heads of 1024 elements"))
  }
}
