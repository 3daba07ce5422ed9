import ReferenceBackend
import Tensors

/// One kernel on one shape: what a device computes for it, and how far that may be from double precision.
public struct KernelCase: Sendable, CustomStringConvertible {
  /// The kernel's name in `Device`.
  public let kernel: String
  /// Kernel, shape, variant and element type, for people.
  public let description: String
  /// bfloat16 where any operand is, but for stored weights.
  public let dtype: DType
  /// What weights are stored as, where that is another type.
  public let weightType: DType?
  /// Largest difference from the reference, over the largest value of the reference.
  public let tolerance: Double
  /// The results, as float32. Throws `GapError` where the device wrote between rows.
  public let run: @Sendable (any Device) throws -> [[Float]]

  /// - Parameters:
  ///   - variant: shape and options, for people.
  ///   - weights: what weights are stored as, where `body` makes some.
  ///   - body: makes operands from the bench, the same on every device, launches kernels, returns results.
  init(
    _ kernel: String, _ variant: String, _ dtype: DType, weights weightType: DType? = nil, tolerance: Double,
    _ body: @escaping @Sendable (Bench) throws -> [[Float]]
  ) {
    self.kernel = kernel
    description = "\(kernel) \(variant), \(dtype)" + (weightType.map { ", weights of \($0)" } ?? "")
    self.dtype = dtype
    self.weightType = weightType
    self.tolerance = tolerance
    run = { device in
      device.scalars.pointee = StepScalars()
      let bench = Bench(device, dtype)
      defer { bench.release() }
      return try body(bench)
    }
  }

  /// The largest difference between the results of `device` and of `ReferenceDevice`, each over the largest value of
  /// the reference's.
  public func error(on device: any Device) throws -> Double {
    let expected = try run(ReferenceDevice())
    let found = try run(device)
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).map { relativeDifference($0, $1) }.max() ?? .infinity
  }

  /// Whether a device has the element types of this case.
  public func runs(on device: DeviceInfo) -> Bool {
    device.dtypes.contains(dtype) && (weightType.map(device.weightTypes.contains) ?? true)
  }

  /// One unit in the last place of a bfloat16 result: what lies half way between two may go either way.
  public static let onePlace = 0x1p-7

  /// Every case, in the order of `Device`.
  public static let all: [KernelCase] =
    linear + embedding + norm + headNorm + rope + attention + attentionTree + pointwise + loss + optimizer
}
