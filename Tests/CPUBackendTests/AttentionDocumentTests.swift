import CPUBackend
import Tensors
import TestSupport
import Testing

/// Sequences packed from several documents. That the numbers agree with double precision is for `KernelCase` to say;
/// what they are, for these tests.
@Suite("Attention within documents")
struct AttentionDocumentTests {
  private static func spec(_ length: Int, window: Int? = nil, headDimension: Int = 20) -> AttentionSpec {
    AttentionSpec(
      length: length, heads: 3, kvHeads: 1, headDimension: headDimension,
      scale: 1.3 / Float(headDimension).squareRoot(), window: window)
  }

  /// The starts of documents of these lengths, one after the other.
  private static func starts(_ lengths: [Int]) -> [Int32] {
    var start: Int32 = 0
    return lengths.flatMap { length in
      defer { start += Int32(length) }
      return [Int32](repeating: start, count: length)
    }
  }

  /// Of head dimension 256, the backward pass takes 128 queries at once.
  @Test("documents are what each is in a sequence of its own", arguments: [nil, 10, 70] as [Int?], [20, 256])
  func alone(window: Int?, headDimension: Int) throws {
    let device = try CPUDevice(threads: 2)
    let lengths = [1, 70, 15, 128, 36]
    let slopes: [Float] = [0.5, 0.1, 0.01]
    let packed = AttentionRun(
      spec: Self.spec(250, window: window, headDimension: headDimension), slopes: slopes,
      documentStarts: Self.starts(lengths))
    let qkv = packed.qkv()
    let dy = randomFloats(packed.rows * packed.width, seed: 2)
    let found = try packed(device, qkv: qkv, dy: dy)
    var first = 0
    for length in lengths {
      let rows = first..<first + length
      first += length
      func part(_ elements: [Float]) -> [Float] {
        let columns = elements.count / packed.rows
        return Array(elements[rows.lowerBound * columns..<rows.upperBound * columns])
      }
      let alone = AttentionRun(
        spec: Self.spec(length, window: window, headDimension: headDimension), slopes: slopes)
      let expected = try alone(device, qkv: part(qkv), dy: part(dy))
      #expect(relativeDifference(part(found.y), expected.y) < 3e-6, "\(rows)")
      #expect(relativeDifference(part(found.logSumExp), expected.logSumExp) < 1e-6, "\(rows)")
      #expect(relativeDifference(part(found.dqkv), expected.dqkv) < 1e-5, "\(rows)")
    }
  }

  @Test("one document is no mask, to the bit", arguments: [nil, 40] as [Int?])
  func one(window: Int?) throws {
    let device = try CPUDevice(threads: 2)
    let without = AttentionRun(spec: Self.spec(150, window: window), sequences: 2)
    var with = without
    with.documentStarts = [Int32](repeating: 0, count: 300)
    #expect(try with(device, qkv: with.qkv()) == without(device, qkv: with.qkv()))
  }

  /// A tile that is read and then weighed by 0 would spread its NaNs: blocks of 64 queries, and what the first of them
  /// sees.
  @Test("rows of other documents are not read")
  func skipping() throws {
    let device = try CPUDevice(threads: 2)
    let run = AttentionRun(spec: Self.spec(400), documentStarts: Self.starts([128, 64, 8, 200]))
    var qkv = run.qkv()
    for index in 128 * run.columns..<192 * run.columns { qkv[index] = .nan }
    let found = try run(device, qkv: qkv)
    let before = 0..<128
    let after = 192..<400
    #expect(found.y[..<(before.upperBound * run.width)].allSatisfy { $0.isFinite })
    #expect(found.y[(after.lowerBound * run.width)...].allSatisfy { $0.isFinite })
    #expect(found.dqkv[..<(before.upperBound * run.columns)].allSatisfy { $0.isFinite })
    #expect(found.dqkv[(after.lowerBound * run.columns)...].allSatisfy { $0.isFinite })
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let run = AttentionRun(
      spec: Self.spec(150), documentStarts: Self.starts([70, 80]) + Self.starts([100, 50]), sequences: 2)
    let results = try [1, 2, 3, 7].map { try run(CPUDevice(threads: $0), qkv: run.qkv()) }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
