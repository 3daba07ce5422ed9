import Tensors

/// How a model's numbers are kept on a device: decided once, for a store and every program over it.
public struct Precision: Sendable, Hashable {
  /// Of parameters, activations and the gradients of activations. Gradients of parameters are always float32.
  public let compute: DType
  /// Of Adam's m and v: float32, or bfloat16 with stochastic rounding.
  public let moments: DType
  /// Of matrices that rows are multiplied by or looked up in: `compute`, or what they are stored as instead in a store that
  /// trains nothing. They count as if they were widened to `compute`.
  public let weights: DType

  public static let float32 = Precision(compute: .float32, moments: .float32)
  public static let bfloat16 = Precision(compute: .bfloat16, moments: .float32)

  public init(compute: DType, moments: DType, weights: DType? = nil) {
    precondition([compute, moments].allSatisfy { $0 == .float32 || $0 == .bfloat16 } && weights != .int32)
    self.compute = compute
    self.moments = moments
    self.weights = weights ?? compute
  }

  /// Whether trained parameters are the rounded values of float32 masters (Micikevicius et al., arXiv 1710.03740).
  var keepsMasters: Bool { compute != .float32 }

  /// Heads are padded to a multiple of so many elements. 16 bytes of bfloat16 is what fused attention kernels want: the
  /// heads of 100 of OpenLLaMA-3B become 104. What is added is zero, and has gradients of exactly zero, so it stays zero.
  var headMultiple: Int { compute == .bfloat16 ? 8 : 1 }

  /// Elements from one head of `dimension` to the next.
  public func headStride(_ dimension: Int) -> Int {
    (dimension + headMultiple - 1) / headMultiple * headMultiple
  }
}

/// How a user asks for a precision.
public enum PrecisionMode: String, Sendable, CaseIterable {
  /// bfloat16 where the device has it, float32 elsewhere.
  case auto
  case float32
  /// float32, with matrix products of numbers rounded to 10 bits of fraction: a GPU's. The device is made for it.
  case tfloat32
  case bfloat16

  /// - Parameter weights: what matrices are stored as where the device takes them so, when nothing is trained; nil: as what
  ///   is computed in.
  public func precision(on device: DeviceInfo, moments: DType = .float32, weights: DType? = nil) -> Precision {
    let compute: DType =
      switch self {
      case .auto: device.dtypes.contains(.bfloat16) ? .bfloat16 : .float32
      case .float32, .tfloat32: .float32
      case .bfloat16: .bfloat16
      }
    let stored = weights.flatMap { compute == .float32 && device.weightTypes.contains($0) ? $0 : nil }
    return Precision(compute: compute, moments: moments, weights: stored)
  }
}
