import CPUBackend
import Tensors
import TestSupport
import Testing

/// One case: sequences, rows of each, query heads, key/value heads, head dimension.
struct AttentionShape: CustomTestStringConvertible {
  var sequences: Int, length: Int, heads: Int, kvHeads: Int, headDimension: Int
  var testDescription: String { "B \(sequences), T \(length), H \(heads), G \(kvHeads), D \(headDimension)" }

  init(_ sequences: Int, _ length: Int, _ heads: Int, _ kvHeads: Int, _ headDimension: Int) {
    self.sequences = sequences
    self.length = length
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
  }

  var rows: Int { sequences * length }
  var columns: Int { (heads + 2 * kvHeads) * headDimension }
  var spec: AttentionSpec {
    AttentionSpec(
      length: length, heads: heads, kvHeads: kvHeads, headDimension: headDimension,
      scale: 1 / Float(headDimension).squareRoot())
  }
}

@Suite("Attention")
struct AttentionTests {
  /// Around the sizes of lanes (16), blocks (64) and chunks (128 rows of 256, 512 of 64), one row, odd head dimensions,
  /// grouped and single key/value heads.
  static let shapes = [
    AttentionShape(1, 1, 1, 1, 1), AttentionShape(3, 1, 2, 2, 64), AttentionShape(2, 5, 2, 1, 3),
    AttentionShape(1, 16, 2, 2, 16), AttentionShape(1, 17, 1, 1, 33), AttentionShape(2, 31, 3, 3, 64),
    AttentionShape(1, 63, 2, 1, 20), AttentionShape(1, 64, 2, 2, 64), AttentionShape(2, 65, 2, 1, 100),
    AttentionShape(1, 129, 4, 2, 80), AttentionShape(1, 150, 1, 1, 256),
    AttentionShape(1, 129, 2, 1, 256), AttentionShape(1, 530, 1, 1, 64),
  ]

  @Test("forward", arguments: shapes)
  func forward(shape: AttentionShape) throws {
    try expectConformance(shape.testDescription, tolerance: 5e-6) { device in
      let qkv = try device.gappedTensor(shape.rows, shape.columns, gap: 3, seed: 1, in: -3...3)
      let y = try device.gappedTensor(shape.rows, shape.heads * shape.headDimension, gap: 5, seed: 2)
      let logSumExp = try device.gappedTensor(shape.rows, shape.heads, gap: 1, seed: 3)
      device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
      return try [device.memory(y), device.memory(logSumExp)]
    }
  }

  @Test("backward sets the gradients of q, k and v", arguments: shapes)
  func backward(shape: AttentionShape) throws {
    try expectConformance(shape.testDescription, tolerance: 5e-6) { device in
      let qkv = try device.gappedTensor(shape.rows, shape.columns, gap: 3, seed: 1, in: -2...2)
      let y = try device.gappedTensor(shape.rows, shape.heads * shape.headDimension, gap: 5, seed: 2)
      let dy = try device.gappedTensor(shape.rows, shape.heads * shape.headDimension, gap: 2, seed: 3)
      let logSumExp = try device.gappedTensor(shape.rows, shape.heads, gap: 1, seed: 4)
      let dqkv = try device.gappedTensor(shape.rows, shape.columns, gap: 4, seed: 5)
      device.write([Float](repeating: .nan, count: shape.rows * shape.columns), to: dqkv)
      device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
      device.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
      return try [device.memory(dqkv)]
    }
  }

  /// More threads than key/value heads split the work of the backward pass.
  @Test(
    "results do not depend on the number of threads",
    arguments: [AttentionShape(2, 150, 6, 2, 48), AttentionShape(1, 300, 2, 1, 256)])
  func threads(shape: AttentionShape) throws {
    let results = try [1, 2, 3, 7].map { threads in
      let device = try CPUDevice(threads: threads)
      let qkv = try device.randomTensor(shape.rows, shape.columns, seed: 1)
      let y = try device.tensor(shape.rows, shape.heads * shape.headDimension)
      let dy = try device.randomTensor(shape.rows, shape.heads * shape.headDimension, seed: 2)
      let logSumExp = try device.tensor(shape.rows, shape.heads)
      let dqkv = try device.tensor(shape.rows, shape.columns)
      device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
      device.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
      return try [device.floats(y), device.floats(logSumExp), device.floats(dqkv)]
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("scores of hundreds do not overflow")
  func largeScores() throws {
    let shape = AttentionShape(1, 80, 1, 1, 64)
    try expectConformance("large", tolerance: 1e-4) { device in
      let qkv = try device.randomTensor(shape.rows, shape.columns, seed: 1, in: -20...20)
      let y = try device.tensor(shape.rows, shape.headDimension)
      let logSumExp = try device.tensor(shape.rows, 1)
      device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
      return try [device.floats(y), device.floats(logSumExp)]
    }
  }

  @Test("a row that is not a number is not seen by the rows before its lanes", arguments: [16, 64, 70])
  func causality(spoiled: Int) throws {
    let shape = AttentionShape(1, 100, 2, 1, 40)
    let device = try CPUDevice(threads: 2)
    let qkv = try device.randomTensor(shape.rows, shape.columns, seed: 1)
    device.write([Float](repeating: .nan, count: shape.columns), to: qkv.rows(spoiled..<spoiled + 1))
    let y = try device.tensor(shape.rows, shape.heads * shape.headDimension)
    let logSumExp = try device.tensor(shape.rows, shape.heads)
    device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)
    #expect(try device.floats(y.rows(0..<spoiled / 16 * 16)).allSatisfy { $0.isFinite })
    #expect(try device.floats(y.rows(spoiled..<shape.rows)).allSatisfy { $0.isNaN })
  }

  /// New rows and the position of the first: one row, a few, and enough for blocks of queries; more keys than a segment
  /// of them (512) has.
  static let continuations = [
    (AttentionShape(3, 1, 2, 2, 64), 0), (AttentionShape(3, 1, 6, 2, 100), 15), (AttentionShape(1, 1, 8, 1, 128), 131),
    (AttentionShape(2, 5, 2, 1, 3), 70), (AttentionShape(2, 3, 4, 2, 80), 61), (AttentionShape(2, 6, 4, 2, 20), 0),
    (AttentionShape(1, 17, 1, 1, 33), 47), (AttentionShape(2, 65, 2, 1, 100), 64),
    (AttentionShape(1, 31, 3, 3, 64), 131), (AttentionShape(2, 1, 4, 2, 20), 511),
    (AttentionShape(1, 3, 3, 1, 33), 1100),
  ]

  @Test("cached: decoding, short and long continuations", arguments: continuations)
  func cached(shape: AttentionShape, position: Int) throws {
    try expectConformance("\(shape.testDescription), position \(position)", tolerance: 5e-6) { device in
      let capacity = position + shape.length + 2
      let qkv = try device.gappedTensor(shape.rows, shape.columns, gap: 3, seed: 1, in: -3...3)
      let width = shape.kvHeads * shape.headDimension
      let keys = try device.gappedTensor(shape.sequences * capacity, width, gap: 1, seed: 2)
      let values = try device.gappedTensor(shape.sequences * capacity, width, gap: 2, seed: 3)
      let y = try device.gappedTensor(shape.rows, shape.heads * shape.headDimension, gap: 5, seed: 4)
      device.scalars.pointee.position = Int32(position)
      device.attentionCached(y, qkv: qkv, keys: keys, values: values, slopes: nil, capacity: capacity, shape.spec)
      return try [device.memory(y), device.memory(keys), device.memory(values)]
    }
  }

  @Test("cached: results do not depend on the number of threads", arguments: [nil, 700] as [Int?])
  func cachedThreads(window: Int?) throws {
    let shape = AttentionShape(1, 1, 6, 2, 40)
    var spec = shape.spec
    spec.window = window
    let results = try [1, 2, 3, 7].map { threads in
      let device = try CPUDevice(threads: threads)
      let qkv = try device.randomTensor(1, shape.columns, seed: 1)
      let keys = try device.randomTensor(1200, 80, seed: 2)
      let values = try device.randomTensor(1200, 80, seed: 3)
      let y = try device.tensor(1, 240)
      device.scalars.pointee.position = 1150
      device.attentionCached(y, qkv: qkv, keys: keys, values: values, slopes: nil, capacity: 1200, spec)
      return try device.floats(y)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("decoding row by row agrees with attention over whole sequences")
  func decoding() throws {
    let shape = AttentionShape(2, 40, 4, 2, 100)
    let device = try CPUDevice(threads: 2)
    let elements = randomFloats(shape.rows * shape.columns, seed: 1)
    let qkv = try device.tensor(shape.rows, shape.columns, elements)
    let width = shape.heads * shape.headDimension
    let y = try device.tensor(shape.rows, width)
    let logSumExp = try device.tensor(shape.rows, shape.heads)
    device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: nil, documentStarts: nil, shape.spec)

    let keys = try device.tensor(shape.rows, shape.kvHeads * shape.headDimension)
    let values = try device.tensor(shape.rows, shape.kvHeads * shape.headDimension)
    let new = try device.tensor(shape.sequences, shape.columns)
    let decoded = try device.tensor(shape.sequences, width)
    var spec = shape.spec
    spec.length = 1
    for position in 0..<shape.length {
      for sequence in 0..<shape.sequences {
        let row = sequence * shape.length + position
        device.write(
          Array(elements[row * shape.columns..<(row + 1) * shape.columns]), to: new.rows(sequence..<sequence + 1))
      }
      device.scalars.pointee.position = Int32(position)
      device.attentionCached(
        decoded, qkv: new, keys: keys, values: values, slopes: nil, capacity: shape.length, spec)
      for sequence in 0..<shape.sequences {
        let row = sequence * shape.length + position
        let expected = try device.floats(y.rows(row..<row + 1))
        #expect(relativeDifference(try device.floats(decoded.rows(sequence..<sequence + 1)), expected) < 2e-6)
      }
    }
  }
}
