import CUDABackend
import DeviceChecks
import Tensors
import Testing

/// That documents keep apart is for `KernelCase` to say; that they save the work, for these tests. A tile that is read
/// and then weighed by 0 would spread its NaNs.
@Suite("Attention within documents, emulated")
struct AttentionDocumentTests {
  /// Two documents of more than a tile of any kernel; the second begins at the border of tiles.
  static let border = 128, length = 300, heads = 2, size = 40

  @Test("documents read no tile of the other", arguments: [DType.float32, .bfloat16], [true, false])
  func skipping(dtype: DType, isFirstSpoiled: Bool) throws {
    let device = try CUDADevice.emulated(check: true)
    let spec = AttentionSpec(length: Self.length, heads: Self.heads, kvHeads: 1, headDimension: Self.size, scale: 0.15)
    let width = Self.heads * Self.size
    let spoiled = isFirstSpoiled ? 0..<Self.border : Self.border..<Self.length
    let qkv = try tensor(device, dtype, width + 2 * Self.size, spoiled: spoiled)
    let dy = try tensor(device, dtype, width, spoiled: spoiled)
    let y = try tensor(device, dtype, width)
    let dqkv = try tensor(device, dtype, width + 2 * Self.size)
    let logSumExp = try tensor(device, .float32, Self.heads)
    let starts = Tensor(
      address: try device.allocate(bytes: Self.length * 4), rows: Self.length, columns: 1, dtype: .int32)
    let positions = (0..<Self.length).map { Int32($0 < Self.border ? 0 : Self.border) }
    positions.withUnsafeBytes { device.upload($0, to: starts) }
    device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: starts, spec)
    device.attentionBackward(
      dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: starts, spec)
    for result in [y, dqkv] {
      let elements = try device.readFloats(result)
      let wrong = (0..<Self.length).filter { row in
        let isFinite = elements[row * result.columns..<(row + 1) * result.columns].allSatisfy { $0.isFinite }
        return isFinite == spoiled.contains(row)
      }
      #expect(wrong == [], "rows of \(result.columns)")
    }
  }

  /// Random elements, with rows of NaNs.
  private func tensor(
    _ device: CUDADevice, _ dtype: DType, _ columns: Int, spoiled: Range<Int> = 0..<0
  ) throws -> Tensor {
    let tensor = Tensor(
      address: try device.allocate(bytes: Self.length * columns * dtype.size), rows: Self.length, columns: columns,
      dtype: dtype)
    var elements = randomFloats(tensor.count, seed: 1)
    for index in elements.indices where spoiled.contains(index / columns) { elements[index] = .nan }
    elements.withUnsafeBufferPointer { device.write($0, to: tensor) }
    return tensor
  }
}
