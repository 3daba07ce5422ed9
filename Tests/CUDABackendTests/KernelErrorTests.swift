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

  @Test("heads of more than 256 elements are not normalised, nor heads that overlap")
  func headNorms() throws {
    func words(headDimension: Int, headStride: Int) throws -> String {
      try Self.words { device, tensor in
        device.headNorm(
          try tensor(.float32), statistics: try tensor(.float32), x: try tensor(.float32),
          queryWeight: try tensor(.float32), keyWeight: try tensor(.float32),
          HeadNormSpec(heads: 1, kvHeads: 1, headDimension: headDimension, headStride: headStride, epsilon: 1e-6))
      }
    }
    #expect(try words(headDimension: 300, headStride: 300).contains("headNorm: heads of 300 elements, 300 apart"))
    #expect(try words(headDimension: 64, headStride: 32).contains("headNorm: heads of 64 elements, 32 apart"))
  }

  @Test("a softcap is positive")
  func softcaps() throws {
    let words = try Self.words { device, tensor in
      device.crossEntropy(
        losses: try tensor(.float32), logits: try tensor(.float32), targets: try tensor(.int32), softcap: -30,
        gradient: false)
    }
    #expect(words.contains("crossEntropy: softcap -30; a positive one is expected"))
    #expect(
      try Self.attentionWords { $0.softcap = .nan }.contains("attention: softcap nan; a positive one is expected"))
  }

  @Test("attention's scale is positive, its window not negative; it has a slope for each head, a start for each row")
  func attention() throws {
    #expect(try Self.attentionWords { $0.window = -1 }.contains("attention: scale 0.25, window -1"))
    #expect(try Self.attentionWords { $0.scale = .nan }.contains("attention: scale nan, window 0"))
    #expect(
      try Self.attentionWords(slopes: 3) { _ in }
        .contains("attention: slopes are 1 × 3, type 0; float32, 1 × 2, are expected"))
    #expect(
      try Self.attentionWords(documentStarts: (3, .int32)) { _ in }
        .contains("attention: document starts are 3 × 1, type 1; int32, 4 × 1, are expected"))
    #expect(
      try Self.attentionWords(documentStarts: (4, .float32)) { _ in }
        .contains("attention: document starts are 4 × 1, type 0; int32, 4 × 1, are expected"))
  }

  /// Of attention of four rows of two heads of 16.
  private static func attentionWords(
    slopes: Int? = nil, documentStarts: (rows: Int, dtype: DType)? = nil, _ change: (inout AttentionSpec) -> Void
  ) throws -> String {
    var spec = AttentionSpec(length: 4, heads: 2, kvHeads: 2, headDimension: 16, scale: 0.25)
    change(&spec)
    return try words { device, tensor in
      func matrix(_ columns: Int) throws -> Tensor {
        Tensor(address: try tensor(.float32).address, rows: 4, columns: columns, dtype: .float32)
      }
      let given = try slopes.map {
        Tensor(address: try tensor(.float32).address, rows: 1, columns: $0, dtype: .float32)
      }
      let starts = try documentStarts.map {
        Tensor(address: try tensor(.int32).address, rows: $0.rows, columns: 1, dtype: $0.dtype)
      }
      device.attention(
        try matrix(32), logSumExp: try matrix(2), qkv: try matrix(96), slopes: given, documentStarts: starts, spec)
    }
  }

  @Test("a tree has four spans for each row, and keys of its prefix as well as values")
  func trees() throws {
    let spec = AttentionSpec(length: 0, heads: 2, kvHeads: 1, headDimension: 16, scale: 0.25)
    func words(spans: Int = 4, keys: Int = 16, values: Int? = 16, _ type: DType = .float32) throws -> String {
      try Self.words { device, tensor in
        func matrix(_ rows: Int, _ columns: Int, _ dtype: DType = .float32) throws -> Tensor {
          Tensor(address: try tensor(dtype).address, rows: rows, columns: columns, dtype: dtype)
        }
        device.attentionTree(
          try matrix(4, 32), qkv: try matrix(4, 64), prefixKeys: try matrix(9, keys, type),
          prefixValues: try values.map { try matrix(9, $0) }, spans: try matrix(4, spans, .int32), slopes: nil, spec)
      }
    }
    #expect(
      try words(spans: 3).contains("attention_tree: spans are 4 × 3, type 1; int32, 4 × 4, are expected"))
    let prefix = "attention_tree: keys and values of a prefix are "
    let expected = "two of any × 16, type 0, are expected"
    #expect(try words(keys: 15).contains(prefix + "9 × 15 and 9 × 16, types 0 and 0; " + expected))
    #expect(try words(values: nil).contains(prefix + "9 × 16 and 0 × 0, types 0 and 0; " + expected))
    #expect(try words(.bfloat16).contains(prefix + "9 × 16 and 9 × 16, types 2 and 0; " + expected))
  }
}
