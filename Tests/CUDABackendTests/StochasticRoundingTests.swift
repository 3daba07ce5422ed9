import CUDABackend
import DeviceChecks
import Tensors
import Testing

@Suite("Stochastic rounding of bfloat16 moments, emulated")
struct StochasticRoundingTests {
  private static let count = 40_000

  /// Which elements of m and v are rounded up, after one step from m = v = 1.
  private static func roundedUp(gradient: Float, seed: UInt32) throws -> (m: [Bool], v: [Bool]) {
    let device = try CUDADevice(library: emulatedLibrary, options: CUDAOptions())
    func tensor(_ value: Float, _ dtype: DType = .float32) throws -> Tensor {
      let tensor = Tensor(
        address: try device.allocate(bytes: count * dtype.size), rows: 1, columns: count, dtype: dtype)
      device.fill(tensor, value)
      return tensor
    }
    let m = try tensor(1, .bfloat16)
    let v = try tensor(1, .bfloat16)
    device.scalars.pointee.seed = seed
    device.adamW(
      parameters: try tensor(0), master: nil, gradients: try tensor(gradient), m: m, v: v,
      squaredNorm: try tensor(1), AdamWSpec(beta1: 0.75, beta2: 0.75, epsilon: 1e-8, weightDecay: 0))
    func read(_ moments: Tensor) throws -> [Bool] {
      let values = try tensor(0)
      device.copy(values, moments)
      return try device.floats(values).map { value in
        #expect(value == 1 || value == 1 + 0x1p-7)
        return value > 1
      }
    }
    return (try read(m), try read(v))
  }

  private static func share(_ elements: some Sequence<Bool>) -> Double {
    Double(elements.count { $0 }) / Double(count)
  }

  /// m becomes 1 + ¼·2⁻⁷ and v 1 + ½·2⁻⁷ (and a little), where neighbours are 2⁻⁷ apart. Bounds of 0.012 are at least
  /// five standard deviations.
  @Test("is right on average, and independent between elements, moments and seeds")
  func unbiased() throws {
    let (m, v) = try Self.roundedUp(gradient: 1 + 0x1p-7, seed: 1)
    #expect(abs(Self.share(m) - 0.25) < 0.012)
    #expect(abs(Self.share(v) - 0.502) < 0.013)
    #expect(abs(Self.share(zip(m, v).map { $0 && $1 }) - 0.25 * 0.502) < 0.012)
    #expect(abs(Self.share(zip(m, m.dropFirst()).map { $0 && $1 }) - 0.0625) < 0.012)

    let again = try Self.roundedUp(gradient: 1 + 0x1p-7, seed: 1)
    #expect(again.m == m && again.v == v)
    let other = try Self.roundedUp(gradient: 1 + 0x1p-7, seed: 2)
    #expect(abs(Self.share(zip(m, other.m).map { $0 && $1 }) - 0.0625) < 0.012)
  }

  @Test("leaves what bfloat16 can hold")
  func exact() throws {
    let (m, v) = try Self.roundedUp(gradient: 1, seed: 1)
    #expect(!m.contains(true) && !v.contains(true))
  }
}
