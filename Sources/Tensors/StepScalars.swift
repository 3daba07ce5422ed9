/// Everything the host changes between two replays of a program.
///
/// One copy lives at a fixed device address (`Device.scalars`), so that a captured program never has to be
/// rebuilt when the learning rate or the decode position changes. The layout is shared with C kernels:
/// 4-byte fields, in this order.
public struct StepScalars: Sendable, Equatable {
  /// Learning rate of this step, before a group's multiplier.
  public var learningRate: Float = 0
  /// 1 − β₁ᵗ and 1 − β₂ᵗ of step t (Adam's bias corrections).
  public var biasCorrection1: Float = 1
  public var biasCorrection2: Float = 1
  /// Factor on every loss gradient: one over the number of target tokens in the global batch.
  public var lossScale: Float = 1
  /// Largest global gradient norm; 0 means gradients are not clipped.
  public var clip: Float = 0
  /// First position of the rows of a cached-attention program.
  public var position: Int32 = 0
  /// Of stochastic rounding; another one in every step.
  public var seed: UInt32 = 0
  /// Set to 1 by the device when an update was skipped because the gradient norm was not finite.
  public var nonFinite: Int32 = 0

  public init() {}
}
