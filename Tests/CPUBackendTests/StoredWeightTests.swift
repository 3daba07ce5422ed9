import CKernels
import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Weights stored in two bytes")
struct StoredWeightTests {
  static let types = [DType.bfloat16, .float16]

  /// Every number there is: subnormal ones, though kernels count denormals as zero, infinities, and what is none.
  @Test("are looked up exactly", arguments: types)
  func everyNumber(type: DType) throws {
    let device = try CPUDevice(threads: 2)
    let all = (0...UInt16.max).map(\.self)
    // Rows of 50 elements: whole vectors and a rest.
    let rows = all.count / 50
    let table = Tensor(address: try device.allocate(bytes: 2 * all.count), rows: rows, columns: 50, dtype: type)
    device.write(Array(all.prefix(table.count)), to: table)
    let y = try device.tensor(rows, 50)
    device.gatherRows(
      y, indices: try device.integerTensor((0..<Int32(rows)).map(\.self)), table: table, positions: nil, length: rows,
      scale: 1)
    var wrong = 0
    for (found, bits) in zip(try device.floats(y), all) {
      let expected = type == .bfloat16 ? BFloat16.value(bits) : Float(Float16(bitPattern: bits))
      if expected.isNaN ? !found.isNaN : found.bitPattern != expected.bitPattern { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  /// A product with stored weights, and the same with what they stand for.
  private func products(
    _ shape: MatmulTests.Shape, _ type: DType, transposeB: Bool, _ accumulate: Accumulation, isBiased: Bool, blas: BLAS,
    threads: Int
  ) throws -> (stored: [Float], widened: [Float]) {
    let device = try CPUDevice(threads: threads, blas: blas)
    let (m, n, k) = (shape.m, shape.n, shape.k)
    let (rows, columns, stride) = transposeB ? (n, k, k + 3) : (k, n, n + 5)
    let stored = Tensor(
      address: try device.allocate(bytes: 2 * rows * stride), rows: rows, columns: columns, stride: stride, dtype: type)
    let values = randomFloats(rows * columns, seed: 2)
    values.withUnsafeBufferPointer { device.write($0, to: stored) }
    let widened = try device.tensor(rows, columns, try device.readFloats(stored))
    let a = try device.randomTensor(m, k, seed: 1)
    let bias = isBiased ? try device.randomTensor(1, n, seed: 3) : nil
    let results = try [stored, widened].map { b in
      let c = try device.randomTensor(m, n, stride: n + 2, seed: 4)
      device.matmul(c, a, b, transposeA: false, transposeB: transposeB, accumulate: accumulate, bias: bias)
      return try device.memory(c)
    }
    return (results[0], results[1])
  }

  @Test("multiply as their float32 values do, bit for bit", arguments: MatmulTests.shapes, types)
  func sameBits(shape: MatmulTests.Shape, type: DType) throws {
    for transposeB in [true, false] {
      for (accumulate, isBiased) in [(Accumulation.set, false), (.set, true), (.add, false), (.add, true)] {
        let (stored, widened) = try products(
          shape, type, transposeB: transposeB, accumulate, isBiased: isBiased, blas: .plain, threads: 3)
        #expect(stored.map(\.bitPattern) == widened.map(\.bitPattern), "\(transposeB) \(accumulate) bias \(isBiased)")
      }
    }
  }

  @Test("more columns than a panel has change no bit", arguments: [true, false])
  func panels(transposeB: Bool) throws {
    let (stored, widened) = try products(
      MatmulTests.Shape(m: 17, n: 530, k: 4100), .bfloat16, transposeB: transposeB, .add, isBiased: false, blas: .plain,
      threads: 1)
    #expect(stored.map(\.bitPattern) == widened.map(\.bitPattern))
  }

  /// A library may add up another way at the edge of a panel; so do the plain kernels where b is deeper than one.
  @Test(
    "multiply as their float32 values do, but for rounding",
    arguments: [
      (MatmulTests.Shape(m: 33, n: 300, k: 700), true), (.init(m: 33, n: 300, k: 700), false),
      (.init(m: 17, n: 60, k: 45_000), true), (.init(m: 9, n: 60, k: 45_000), false),
    ])
  func rounding(shape: MatmulTests.Shape, transposeB: Bool) throws {
    for blas in BLAS.available {
      let (stored, widened) = try products(
        shape, .float16, transposeB: transposeB, .set, isBiased: true, blas: blas, threads: 1)
      #expect(relativeDifference(stored, widened) < 2e-6, "\(blas)")
    }
  }

  @Test("panels of threads lie apart")
  func panelAddresses() throws {
    let pool = try #require(ck_pool_create(3))
    defer { ck_pool_destroy(pool) }
    let addresses = ((0..<3).map { ck_pool_panel(pool, $0) } + [ck_pool_shared_scratch(pool)])
      .map { Int(bitPattern: $0) }
    #expect(addresses.allSatisfy { $0 % 64 == 0 })
    #expect(zip(addresses, addresses.dropFirst()).allSatisfy { $1 - $0 >= 8 << 20 })
    #expect(addresses[0] - Int(bitPattern: ck_pool_scratch(pool, 2)) >= 4 << 20)
  }
}
