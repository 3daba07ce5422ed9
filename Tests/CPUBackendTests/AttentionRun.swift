import Tensors
import TestSupport

/// Attention of random rows, forward and backward.
struct AttentionRun {
  var spec: AttentionSpec
  var slopes: [Float]?
  /// [sequences·length].
  var documentStarts: [Int32]?
  var sequences = 1
  var heads: Int { spec.heads }
  var rows: Int { sequences * spec.length }
  var width: Int { heads * spec.headDimension }
  var columns: Int { width + 2 * spec.kvHeads * spec.headDimension }

  func qkv(seed: UInt64 = 1) -> [Float] { randomFloats(rows * columns, seed: seed, in: -2...2) }

  func callAsFunction(
    _ device: any Device, qkv elements: [Float], dy: [Float]? = nil
  ) throws -> (y: [Float], logSumExp: [Float], dqkv: [Float]) {
    let qkv = try device.tensor(rows, columns, elements)
    let slopes = try slopes.map { try device.tensor(1, heads, $0) }
    let starts = try documentStarts.map { try device.integerTensor($0) }
    let y = try device.tensor(rows, width)
    let logSumExp = try device.tensor(rows, heads)
    let dqkv = try device.tensor(rows, columns, [Float](repeating: .nan, count: rows * columns))
    let upstream = try device.tensor(rows, width, dy ?? randomFloats(rows * width, seed: 2))
    device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: starts, spec)
    device.attentionBackward(
      dqkv: dqkv, dy: upstream, y: y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: starts, spec)
    return try (device.floats(y), device.floats(logSumExp), device.floats(dqkv))
  }
}
