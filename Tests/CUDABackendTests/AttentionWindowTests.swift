import CCUDA
import CUDABackend
import CUDAKernels
import DeviceChecks
import Foundation
import ReferenceBackend
import Tensors
import Testing

/// The table's attention has a window, which `AttentionSpec` has not: it is called directly.
@Suite("Attention with a window, emulated")
struct AttentionWindowTests {
  /// Smaller and larger than tiles of keys, across their edges, one key, and as good as none.
  static let windows: [Int32] = [1, 2, 17, 64, 65, 100, 1000]

  @Test(
    "forward and backward agree with sums over the keys in the window", arguments: windows, [IC_FLOAT32, IC_BFLOAT16])
  func window(window: Int32, dtype: ic_dtype) throws {
    let case_ = try WindowCase(length: 150, heads: 2, dimension: 40, window: window, dtype: dtype)
    let (y, dqkv) = try case_.computed()
    let expected = case_.expected()
    #expect(relativeDifference(y, expected.y) < (dtype == IC_FLOAT32 ? 1e-5 : 1e-2))
    #expect(relativeDifference(dqkv, expected.dqkv) < (dtype == IC_FLOAT32 ? 1e-5 : 2e-2))
  }

  @Test("decoding sees as much of the cache", arguments: windows, [IC_FLOAT32, IC_BFLOAT16])
  func cached(window: Int32, dtype: ic_dtype) throws {
    let case_ = try WindowCase(length: 150, heads: 2, dimension: 40, window: window, dtype: dtype)
    #expect(try relativeDifference(case_.decoded(), case_.expected().y) < (dtype == IC_FLOAT32 ? 1e-5 : 1e-2))
  }

  @Test("a negative window, and a scale that is no factor, are errors that say so")
  func invalid() throws {
    var case_ = try WindowCase(length: 4, heads: 1, dimension: 8, window: -1, dtype: IC_FLOAT32)
    #expect(message { _ = try case_.computed() }.contains("attention: scale 0.353553, window -1"))
    case_.spec.window = 0
    case_.spec.scale = .nan
    #expect(message { _ = try case_.computed() }.contains("attention: scale nan, window 0"))
  }
}

/// One sequence of random rows; query heads share one key/value head.
private struct WindowCase {
  var spec: ic_attention_spec
  let rows: Int, heads: Int, size: Int
  /// Operands, rounded to the element type.
  let qkv: [Float], dy: [Float]
  private let context: EmulatedContext

  init(length: Int, heads: Int, dimension: Int, window: Int32, dtype: ic_dtype) throws {
    spec = ic_attention_spec(
      length: Int64(length), heads: Int32(heads), kv_heads: 1, head_dimension: Int32(dimension),
      scale: 1 / Float(dimension).squareRoot(), window: window)
    rows = length
    self.heads = heads
    size = dimension
    context = try EmulatedContext(dtype)
    func rounded(_ elements: [Float]) -> [Float] {
      dtype == IC_FLOAT32 ? elements : elements.map { BFloat16.value(BFloat16.bits(of: $0)) }
    }
    qkv = rounded(randomFloats(length * (heads + 2) * dimension, seed: 1, in: -2...2))
    dy = rounded(randomFloats(length * heads * dimension, seed: 2))
  }

  func computed() throws -> (y: [Float], dqkv: [Float]) {
    let table = context.table.pointee
    let qkv = try context.tensor(rows, (heads + 2) * size, qkv)
    let dy = try context.tensor(rows, heads * size, dy)
    let y = try context.tensor(rows, heads * size)
    let dqkv = try context.tensor(rows, (heads + 2) * size)
    let logSumExp = try context.tensor(rows, heads, dtype: IC_FLOAT32)
    try context.check(table.attention(context.address, y, logSumExp, qkv, spec))
    try context.check(table.attention_backward(context.address, dqkv, dy, y, logSumExp, qkv, spec))
    return (try context.floats(y), try context.floats(dqkv))
  }

  /// y, row by row against a cache.
  func decoded() throws -> [Float] {
    let table = context.table.pointee
    let width = (heads + 2) * size
    let keys = try context.tensor(rows, size)
    let values = try context.tensor(rows, size)
    var spec = spec
    spec.length = 1
    return try (0..<rows).flatMap { row in
      let new = try context.tensor(1, width, Array(qkv[row * width..<(row + 1) * width]))
      let y = try context.tensor(1, heads * size)
      table.scalars(context.address)!.pointee.position = Int32(row)
      try context.check(table.store_scalars(context.address))
      try context.check(table.attention_cached(context.address, y, new, keys, values, Int64(rows), spec))
      return try context.floats(y)
    }
  }

  func expected() -> (y: [Float], dqkv: [Float]) {
    let width = (heads + 2) * size
    let keyStart = heads * size
    let valueStart = (heads + 1) * size
    var y = [Double](repeating: 0, count: rows * heads * size)
    var dqkv = [Double](repeating: 0, count: rows * width)
    func dot(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int) -> Double {
      (0..<size).reduce(0) { $0 + Double(a[i + $1]) * Double(b[j + $1]) }
    }
    for i in 0..<rows {
      let keys = max(0, i + 1 - Int(spec.window))...i
      for head in 0..<heads {
        let q = i * width + head * size
        let out = (i * heads + head) * size
        let weights = keys.map { exp(Double(spec.scale) * dot(qkv, q, qkv, $0 * width + keyStart)) }
        let total = weights.reduce(0, +)
        let probabilities = weights.map { $0 / total }
        let gradients = keys.map { dot(dy, out, qkv, $0 * width + valueStart) }
        let mean = zip(probabilities, gradients).reduce(0) { $0 + $1.0 * $1.1 }
        for (j, (p, gradient)) in zip(keys, zip(probabilities, gradients)) {
          let k = j * width + keyStart
          let v = j * width + valueStart
          let dScore = p * (gradient - mean) * Double(spec.scale)
          for d in 0..<size {
            y[out + d] += p * Double(qkv[v + d])
            dqkv[q + d] += dScore * Double(qkv[k + d])
            dqkv[k + d] += dScore * Double(qkv[q + d])
            dqkv[v + d] += p * Double(dy[out + d])
          }
        }
      }
    }
    return (y.map(Float.init), dqkv.map(Float.init))
  }
}

/// A context of the emulated table, and tensors of one element type in its memory.
private final class EmulatedContext {
  let table = emulatedLibrary.table
  let address: OpaquePointer
  private let dtype: ic_dtype

  init(_ dtype: ic_dtype) throws {
    self.dtype = dtype
    var options = ic_context_options()
    var context: OpaquePointer?
    options.check = 1
    #expect(table.pointee.context_create(&options, &context, nil, 0) == IC_OK)
    address = try #require(context)
  }
  deinit { table.pointee.context_destroy(address) }

  func check(_ status: ic_status) throws {
    if status != IC_OK { throw TableError(description: String(cString: table.pointee.last_error(address)!)) }
  }

  /// Holding `elements`, or NaNs.
  func tensor(_ rows: Int, _ columns: Int, _ elements: [Float]? = nil, dtype: ic_dtype? = nil) throws -> ic_tensor {
    let dtype = dtype ?? self.dtype
    var tensor = ic_tensor(
      address: 0, rows: Int64(rows), columns: Int64(columns), stride: Int64(columns), dtype: dtype)
    try check(table.pointee.allocate(address, UInt64(rows * columns * 4), &tensor.address))
    let elements = elements ?? [Float](repeating: .nan, count: rows * columns)
    if dtype == IC_FLOAT32 {
      try elements.withUnsafeBytes { try check(table.pointee.upload(address, $0.baseAddress, tensor)) }
    } else {
      let bits = elements.map { BFloat16.bits(of: $0) }
      try bits.withUnsafeBytes { try check(table.pointee.upload(address, $0.baseAddress, tensor)) }
    }
    return tensor
  }

  func floats(_ tensor: ic_tensor) throws -> [Float] {
    let count = Int(tensor.rows * tensor.columns)
    if tensor.dtype == IC_FLOAT32 {
      var elements = [Float](repeating: 0, count: count)
      try elements.withUnsafeMutableBytes { try check(table.pointee.download(address, tensor, $0.baseAddress)) }
      return elements
    }
    var bits = [UInt16](repeating: 0, count: count)
    try bits.withUnsafeMutableBytes { try check(table.pointee.download(address, tensor, $0.baseAddress)) }
    return bits.map(BFloat16.value)
  }
}

private struct TableError: Error, CustomStringConvertible {
  let description: String
}
