import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("AdamW with bfloat16 moments")
struct NarrowMomentTests {
  private static let spec = AdamWSpec(beta1: 0.75, beta2: 0.75, epsilon: 1e-8, weightDecay: 0.1)

  private struct Group {
    let parameters: Tensor, gradients: Tensor, m: Tensor, v: Tensor, norm: Tensor

    init(_ device: any Device, parameters: [Float], gradients: [Float], m: [Float], v: [Float]) throws {
      let count = parameters.count
      func narrow(_ values: [Float]) throws -> Tensor {
        let tensor = Tensor(
          address: try device.allocate(bytes: 2 * count), rows: 1, columns: count, dtype: .bfloat16)
        values.withUnsafeBufferPointer { device.write($0, to: tensor) }
        return tensor
      }
      self.parameters = try device.tensor(1, count, parameters)
      self.gradients = try device.tensor(1, count, gradients)
      self.m = try narrow(m)
      self.v = try narrow(v)
      norm = try device.tensor(1, 1, [1])
    }

    func update(_ device: any Device, seed: UInt32 = 1) {
      device.scalars.pointee.learningRate = 0.01
      device.scalars.pointee.biasCorrection1 = 0.5
      device.scalars.pointee.biasCorrection2 = 0.25
      device.scalars.pointee.clip = 0
      device.scalars.pointee.seed = seed
      device.adamW(
        parameters: parameters, master: nil, gradients: gradients, m: m, v: v, squaredNorm: norm, NarrowMomentTests.spec
      )
    }
  }

  /// Parameters depend on moments that are not rounded yet; those may be rounded up where the reference rounds down.
  @Test("agrees with double precision", arguments: [1, 63, 64, 65, 5000])
  func conformance(count: Int) throws {
    func run(_ device: any Device) throws -> [[Float]] {
      let group = try Group(
        device, parameters: randomFloats(count, seed: 1), gradients: randomFloats(count, seed: 2, in: -0.1...0.1),
        m: randomFloats(count, seed: 3, in: -0.1...0.1), v: randomFloats(count, seed: 4, in: 0...0.01))
      group.update(device)
      return try [group.parameters, group.gradients, group.m, group.v].map { try device.readFloats($0) }
    }
    let found = try run(CPUDevice(threads: 2))
    let expected = try run(ReferenceDevice())
    #expect(relativeDifference(found[0], expected[0]) < 1e-6)
    #expect(found[1].allSatisfy { $0 == 0 })
    for part in 2...3 { #expect(relativeDifference(found[part], expected[part]) <= 0x1p-7) }
  }

  private static let count = 40_000

  /// Which elements of m and v are rounded up, after one step from m = v = 1.
  private func roundedUp(gradient: Float, seed: UInt32, threads: Int = 2) throws -> (m: [Bool], v: [Bool]) {
    let device = try CPUDevice(threads: threads)
    func all(_ value: Float) -> [Float] { [Float](repeating: value, count: Self.count) }
    let group = try Group(device, parameters: all(0), gradients: all(gradient), m: all(1), v: all(1))
    group.update(device, seed: seed)
    func read(_ moments: Tensor) throws -> [Bool] {
      let values = try device.readFloats(moments)
      #expect(values.allSatisfy { $0 == 1 || $0 == 1 + 0x1p-7 })
      return values.map { $0 > 1 }
    }
    return (try read(group.m), try read(group.v))
  }

  private func share(_ elements: some Sequence<Bool>) -> Double {
    Double(elements.reduce(0) { $0 + ($1 ? 1 : 0) }) / Double(Self.count)
  }

  /// m becomes 1 + ¼·2⁻⁷ and v 1 + ½·2⁻⁷ (and a little), where neighbours are 2⁻⁷ apart. Bounds are at least five
  /// standard deviations.
  @Test("is right on average, and independent between elements, moments and seeds")
  func unbiased() throws {
    let (m, v) = try roundedUp(gradient: 1 + 0x1p-7, seed: 1)
    #expect(abs(share(m) - 0.25) < 0.012)
    #expect(abs(share(v) - 0.502) < 0.013)
    #expect(abs(share(zip(m, v).map { $0 && $1 }) - 0.25 * 0.502) < 0.012)
    #expect(abs(share(zip(m, m.dropFirst()).map { $0 && $1 }) - 0.0625) < 0.012)
    let other = try roundedUp(gradient: 1 + 0x1p-7, seed: 2)
    #expect(abs(share(zip(m, other.m).map { $0 && $1 }) - 0.0625) < 0.012)
    let exact = try roundedUp(gradient: 1, seed: 1)
    #expect(!exact.m.contains(true) && !exact.v.contains(true))
  }

  @Test("does not depend on the number of threads")
  func threads() throws {
    let expected = try roundedUp(gradient: 1 + 0x1p-7, seed: 3, threads: 1)
    for threads in [2, 3] {
      let found = try roundedUp(gradient: 1 + 0x1p-7, seed: 3, threads: threads)
      #expect(found.m == expected.m && found.v == expected.v)
    }
  }

  @Test("what is no number stays none")
  func notANumber() throws {
    let device = try CPUDevice(threads: 1)
    let group = try Group(
      device, parameters: [0, 0, 0], gradients: [.nan, .infinity, 0], m: [0, 0, 1], v: [0, 1, 1])
    group.update(device)
    let m = try device.readFloats(group.m)
    #expect(m[0].isNaN && m[1] == .infinity && m[2].isFinite)
  }
}
