import Foundation

/// The learning rate of every step of a run.
///
/// Warm-up and decay are counted as nanoGPT counts them (`get_lr` of its `train.py`, whose iteration is our step − 1):
/// step s of W warm-up steps has s/(W + 1) of the peak, and the first step after them the peak itself.
public struct LearningRateSchedule: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    /// Half a cosine from the peak to the minimum.
    case cosine
    /// A straight line from the peak to the minimum.
    case linear
    /// The peak to the end.
    case constant
    /// Warm-up, stable, decay: the peak, then a straight line to the minimum over the last steps (MiniCPM, arXiv
    /// 2404.06395).
    case wsd
  }

  public let kind: Kind
  public let peak: Double
  public let minimum: Double
  public let warmupSteps: Int
  /// How many steps the decay takes; 0 for `.constant`.
  public let decaySteps: Int
  public let totalSteps: Int

  /// - Parameter totalSteps: the length of the run; absent settings follow from it.
  /// - Throws: `TrainingError` when warm-up and decay do not fit into the run.
  public init(_ section: TrainingRecipe.ScheduleSection, totalSteps: Int) throws(TrainingError) {
    kind = section.kind
    peak = section.learningRate
    minimum = section.kind == .constant ? section.learningRate : section.minimum ?? section.learningRate / 10
    self.totalSteps = totalSteps
    warmupSteps = section.warmupSteps ?? min(2000, totalSteps / 10)
    let rest = totalSteps - warmupSteps
    // The last step may be a warm-up step only where nothing comes after the warm-up.
    guard rest > 0 || section.kind == .constant else {
      throw .invalidSetting(
        location: nil, key: "schedule.warmup_steps", found: "\(warmupSteps)",
        expected: "fewer than the steps of the run (\(totalSteps))")
    }
    switch section.kind {
    case .constant: decaySteps = 0
    case .cosine, .linear: decaySteps = section.decaySteps ?? rest
    case .wsd:
      decaySteps = section.decaySteps ?? min(rest, max(1, totalSteps / 10))
      guard decaySteps <= rest else {
        throw .invalidSetting(
          location: nil, key: "schedule.decay_steps", found: "\(decaySteps)",
          expected: "\(rest) at most: the run has \(totalSteps) steps, \(warmupSteps) of them warm-up")
      }
    }
  }

  /// The learning rate of a step, counted from 1.
  public func learningRate(at step: Int) -> Double {
    if step <= warmupSteps { return peak * Double(step) / Double(warmupSteps + 1) }
    let start = kind == .wsd ? totalSteps - decaySteps : warmupSteps
    guard kind != .constant, step > start else { return peak }
    let progress = min(1, Double(step - 1 - start) / Double(decaySteps))
    let share = kind == .cosine ? 0.5 * (1 + cos(.pi * progress)) : 1 - progress
    return minimum + share * (peak - minimum)
  }
}
