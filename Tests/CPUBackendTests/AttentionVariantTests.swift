import CPUBackend
import Tensors
import TestSupport
import Testing

/// Windows, caps and slopes. That their numbers agree with double precision is for `KernelCase` to say; what they are,
/// for these tests.
@Suite("Attention with windows, caps and slopes")
struct AttentionVariantTests {
  private static func spec(_ length: Int, window: Int? = nil, softcap: Float? = nil) -> AttentionSpec {
    AttentionSpec(
      length: length, heads: 3, kvHeads: 1, headDimension: 20, scale: 0.3, window: window, softcap: softcap)
  }

  @Test("a query sees what a sequence of the rows in its window would show it", arguments: [1, 5, 16, 63, 64, 65, 140])
  func window(window: Int) throws {
    let device = try CPUDevice(threads: 2)
    let length = 150
    let slopes: [Float] = [0.5, 0.1, 0.01]
    let whole = AttentionRun(spec: Self.spec(length, window: window, softcap: 4), slopes: slopes)
    let qkv = whole.qkv()
    let found = try whole(device, qkv: qkv)
    for row in [0, window - 1, window, 62, 63, 64, 65, 100, 127, 128, 149] where row < length {
      let rows = max(0, row - window + 1)...row
      let part = AttentionRun(spec: Self.spec(rows.count, softcap: 4), slopes: slopes)
      let expected = try part(
        device, qkv: Array(qkv[rows.lowerBound * whole.columns..<(row + 1) * whole.columns]))
      let y = Array(found.y[row * whole.width..<(row + 1) * whole.width])
      let logSumExp = Array(found.logSumExp[row * 3..<(row + 1) * 3])
      #expect(relativeDifference(y, Array(expected.y.suffix(whole.width))) < 3e-6, "row \(row)")
      #expect(relativeDifference(logSumExp, Array(expected.logSumExp.suffix(3))) < 1e-6, "row \(row)")
    }
  }

  @Test("a window that reaches the first row is none, to the bit", arguments: [100, 101, Int.max])
  func widest(window: Int) throws {
    let device = try CPUDevice(threads: 2)
    let with = AttentionRun(spec: Self.spec(100, window: window))
    let without = AttentionRun(spec: Self.spec(100))
    #expect(try with(device, qkv: with.qkv()) == without(device, qkv: without.qkv()))
  }

  /// A tile that is read and then weighed by 0 would spread its NaNs: blocks of 64 queries, and what the first of them
  /// sees.
  @Test("rows outside the window are not read")
  func skipping() throws {
    let device = try CPUDevice(threads: 2)
    let run = AttentionRun(spec: Self.spec(400, window: 32))
    var qkv = run.qkv()
    for index in 160 * run.columns..<192 * run.columns { qkv[index] = .nan }
    let found = try run(device, qkv: qkv)
    #expect(found.y[..<(160 * run.width)].allSatisfy { $0.isFinite })
    #expect(found.y[(256 * run.width)...].allSatisfy { $0.isFinite })
    #expect(found.dqkv[..<((128 - 31) * run.columns)].allSatisfy { $0.isFinite })
    #expect(found.dqkv[(256 * run.columns)...].allSatisfy { $0.isFinite })
  }

  @Test("decoding reads nothing of the cache but the window")
  func cachedSkipping() throws {
    let device = try CPUDevice(threads: 2)
    let run = AttentionRun(spec: Self.spec(1, window: 32))
    var cache = randomFloats(300 * 20, seed: 3)
    for index in 0..<(200 - 31) * 20 { cache[index] = .nan }
    let y = try device.tensor(1, run.width)
    device.scalars.pointee.position = 200
    device.attentionCached(
      y, qkv: try device.tensor(1, run.columns, run.qkv()), keys: try device.tensor(300, 20, cache),
      values: try device.tensor(300, 20, cache), slopes: nil, capacity: 300, run.spec)
    #expect(try device.floats(y).allSatisfy { $0.isFinite })
  }

  @Test("slopes add their multiples of the distance to scores, which a key of one coordinate more does too")
  func slopes() throws {
    let device = try CPUDevice(threads: 2)
    let length = 90
    let slope: Float = 0.125
    let spec = AttentionSpec(length: length, heads: 1, kvHeads: 1, headDimension: 8, scale: 0.5)
    let plain = AttentionRun(spec: spec)
    var qkv = randomFloats(length * 24, seed: 1)
    for row in 0..<length { (qkv[row * 24 + 7], qkv[row * 24 + 15]) = (0, 0) }
    let found = try AttentionRun(spec: spec, slopes: [slope])(device, qkv: qkv)
    // 0.5 · 2·slope · j is slope·(j − i), but for what all scores of query i have in common.
    for row in 0..<length { (qkv[row * 24 + 7], qkv[row * 24 + 15]) = (2 * slope, Float(row)) }
    let expected = try plain(device, qkv: qkv)
    #expect(relativeDifference(found.y, expected.y) < 1e-5)
  }

  @Test(
    "gradients are those of finite differences",
    arguments: [
      spec(20), spec(20, window: 6), spec(20, softcap: 1), spec(20, window: 6, softcap: 1), spec(80, window: 66),
    ])
  func gradients(spec: AttentionSpec) throws {
    let device = try CPUDevice(threads: 2)
    let run = AttentionRun(spec: spec, slopes: [0.5, 0.1, 0.01])
    let qkv = run.qkv()
    let dy = randomFloats(run.rows * run.width, seed: 2)
    let gradient = try run(device, qkv: qkv, dy: dy).dqkv
    let step: Float = 0x1p-5
    func loss(_ qkv: [Float]) throws -> Double {
      zip(try run(device, qkv: qkv, dy: dy).y, dy).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let largest = gradient.reduce(0) { max($0, abs($1)) }
    for index in stride(from: 3, to: qkv.count, by: 97) {
      var (above, below) = (qkv, qkv)
      above[index] += step
      below[index] -= step
      let difference = Float((try loss(above) - loss(below)) / Double(2 * step))
      #expect(abs(difference - gradient[index]) < 2e-3 * largest, "element \(index)")
    }
  }

  @Test(
    "results do not depend on the number of threads", arguments: [nil, 1, 40, 100] as [Int?], [nil, 2] as [Float?])
  func threads(window: Int?, softcap: Float?) throws {
    let run = AttentionRun(
      spec: Self.spec(150, window: window, softcap: softcap), slopes: [0.5, 0.1, 0.01], sequences: 2)
    let results = try [1, 2, 3, 7].map { try run(CPUDevice(threads: $0), qkv: run.qkv()) }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  /// One row at a time is another kernel than many.
  @Test(
    "decoding row by row agrees with attention over whole sequences", arguments: [1, 15, 64, 70], [nil, 3] as [Float?])
  func decoding(window: Int, softcap: Float?) throws {
    let device = try CPUDevice(threads: 2)
    let run = AttentionRun(spec: Self.spec(100, window: window, softcap: softcap), slopes: [0.5, 0.1, 0.01])
    let qkv = run.qkv()
    let expected = try run(device, qkv: qkv).y
    let keys = try device.tensor(100, 20)
    let values = try device.tensor(100, 20)
    let slopes = try device.tensor(1, 3, run.slopes)
    let y = try device.tensor(1, run.width)
    var spec = run.spec
    spec.length = 1
    for row in 0..<100 {
      device.scalars.pointee.position = Int32(row)
      device.attentionCached(
        y, qkv: try device.tensor(1, run.columns, Array(qkv[row * run.columns..<(row + 1) * run.columns])), keys: keys,
        values: values, slopes: slopes, capacity: 100, spec)
      #expect(
        relativeDifference(try device.floats(y), Array(expected[row * run.width..<(row + 1) * run.width])) < 3e-6,
        "row \(row)")
    }
  }
}
