import CUDABackend
import DeviceChecks
import Tensors
import Testing

/// That windows give the right numbers is for `KernelCase` to say; that they save the work, for these tests. A tile
/// that is read and then weighed by 0 would spread its NaNs.
@Suite("Attention with a window, emulated")
struct AttentionWindowTests {
  /// More than a tile of any kernel.
  static let tile = 128, length = 300, heads = 2, size = 40
  static let spec = AttentionSpec(
    length: length, heads: heads, kvHeads: 1, headDimension: size, scale: 0.15, window: 32)

  @Test("queries read no tile of keys before their windows", arguments: [DType.float32, .bfloat16])
  func forward(dtype: DType) throws {
    let results = try results(dtype, spoiled: 0..<64)
    #expect(results.y[(Self.tile * Self.heads * Self.size)...].allSatisfy { $0.isFinite })
    let width = (Self.heads + 2) * Self.size
    let spoiled = (Self.tile..<Self.length).filter { row in
      !results.dqkv[row * width..<row * width + Self.heads * Self.size].allSatisfy { $0.isFinite }
    }
    #expect(spoiled == [], "rows of dq")
  }

  @Test("keys read no tile of queries that do not see them", arguments: [DType.float32, .bfloat16])
  func backward(dtype: DType) throws {
    let results = try results(dtype, spoiled: 192..<Self.length)
    #expect(results.dqkv[..<(Self.tile * (Self.heads + 2) * Self.size)].allSatisfy { $0.isFinite })
  }

  /// One new row is split over the cache, many are tiles.
  @Test("new rows read no tile of the cache before their windows", arguments: [DType.float32, .bfloat16], [1, 20])
  func cached(dtype: DType, newRows: Int) throws {
    let device = try CUDADevice.emulated(check: true)
    let width = (Self.heads + 2) * Self.size
    let qkv = try tensor(device, dtype, newRows, width)
    let keys = try tensor(device, dtype, Self.length, Self.size, spoiled: 0..<64)
    let values = try tensor(device, dtype, Self.length, Self.size, spoiled: 0..<64)
    let y = try tensor(device, dtype, newRows, Self.heads * Self.size)
    var spec = Self.spec
    spec.length = newRows
    device.scalars.pointee.position = 200
    device.attentionCached(y, qkv: qkv, keys: keys, values: values, slopes: nil, capacity: Self.length, spec)
    #expect(try device.readFloats(y).allSatisfy { $0.isFinite })
  }

  private func results(_ dtype: DType, spoiled: Range<Int>) throws -> (y: [Float], dqkv: [Float]) {
    let device = try CUDADevice.emulated(check: true)
    let width = Self.heads * Self.size
    let qkv = try tensor(device, dtype, Self.length, width + 2 * Self.size, spoiled: spoiled)
    let dy = try tensor(device, dtype, Self.length, width, spoiled: spoiled)
    let y = try tensor(device, dtype, Self.length, width)
    let dqkv = try tensor(device, dtype, Self.length, width + 2 * Self.size)
    let logSumExp = try tensor(device, .float32, Self.length, Self.heads)
    device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, Self.spec)
    device.attentionBackward(
      dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, Self.spec)
    return (try device.readFloats(y), try device.readFloats(dqkv))
  }

  /// Random elements, with rows of NaNs.
  private func tensor(
    _ device: CUDADevice, _ dtype: DType, _ rows: Int, _ columns: Int, spoiled: Range<Int> = 0..<0
  ) throws -> Tensor {
    let tensor = Tensor(
      address: try device.allocate(bytes: rows * columns * dtype.size), rows: rows, columns: columns, dtype: dtype)
    var elements = randomFloats(tensor.count, seed: 1)
    for index in elements.indices where spoiled.contains(index / columns) { elements[index] = .nan }
    elements.withUnsafeBufferPointer { device.write($0, to: tensor) }
    return tensor
  }
}
