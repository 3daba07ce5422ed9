import CUDABackend
import DeviceChecks
import Tensors
import Testing

/// That rows see what they should is for `KernelCase` to say; that tiles which none of them sees are left out, for
/// these tests. A tile that is read and then weighed by 0 would spread its NaNs.
@Suite("Attention of trees, emulated")
struct AttentionTreeTests {
  private static let size = 40
  private static let heads = 2

  /// Rows of NaNs between a trunk and what continues it, and behind what is seen of the cache.
  @Test("tiles that no row sees are not read", arguments: [DType.float32, .bfloat16])
  func skipping(dtype: DType) throws {
    let device = try CUDADevice.emulated(check: true)
    let spans = (0..<320).map { row -> [Int32] in
      switch row {
      case ..<128: [64, 0, 0, 0]
      case ..<192: [0, 0, 0, 128]
      default: [64, 0, 128, 192]
      }
    }
    let width = Self.heads * Self.size
    let qkv = try tensor(device, dtype, 320, width + 2 * Self.size, spoiled: 128..<192)
    let keys = try tensor(device, dtype, 100, Self.size, spoiled: 64..<100)
    let values = try tensor(device, dtype, 100, Self.size, spoiled: 64..<100)
    let y = try tensor(device, dtype, 320, width)
    let places = Tensor(address: try device.allocate(bytes: 320 * 16), rows: 320, columns: 4, dtype: .int32)
    spans.flatMap { $0 }.withUnsafeBytes { device.upload($0, to: places) }
    device.attentionTree(
      y, qkv: qkv, prefixKeys: keys, prefixValues: values, spans: places, slopes: nil,
      AttentionSpec(length: 1, heads: Self.heads, kvHeads: 1, headDimension: Self.size, scale: 0.15))
    let elements = try device.readFloats(y)
    let wrong = (0..<320).filter { row in
      let isFinite = elements[row * width..<(row + 1) * width].allSatisfy { $0.isFinite }
      return isFinite == (128..<192).contains(row)
    }
    #expect(wrong == [])
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
