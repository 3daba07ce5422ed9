import Foundation
import Testing

@testable import Training

@Suite struct LearningRateScheduleTests {
  private func schedule(
    _ kind: LearningRateSchedule.Kind, peak: Double = 1e-3, minimum: Double? = 1e-4, warmup: Int? = 10,
    decay: Int? = nil,
    total: Int = 100
  ) throws -> LearningRateSchedule {
    var section = TrainingRecipe.ScheduleSection()
    section.kind = kind
    section.learningRate = peak
    section.minimum = minimum
    section.warmupSteps = warmup
    section.decaySteps = decay
    return try LearningRateSchedule(section, totalSteps: total)
  }

  /// nanoGPT's `get_lr`, for its iterations from 0; `lr_decay_iters` is warm-up plus decay.
  private func nanoGPT(_ it: Int, _ s: LearningRateSchedule) -> Double {
    if it < s.warmupSteps { return s.peak * Double(it + 1) / Double(s.warmupSteps + 1) }
    let end = s.warmupSteps + s.decaySteps
    if it > end { return s.minimum }
    let ratio = Double(it - s.warmupSteps) / Double(end - s.warmupSteps)
    return s.minimum + 0.5 * (1 + cos(.pi * ratio)) * (s.peak - s.minimum)
  }

  @Test(arguments: [nil, 30, 200]) func cosineIsNanoGPTs(decay: Int?) throws {
    let s = try schedule(.cosine, decay: decay)
    for step in 1...100 { #expect(abs(s.learningRate(at: step) - nanoGPT(step - 1, s)) < 1e-18, "step \(step)") }
  }

  @Test func linearFallsInAStraightLine() throws {
    let s = try schedule(.linear)
    #expect(s.learningRate(at: 11) == 1e-3)
    #expect(abs(s.learningRate(at: 56) - 5.5e-4) < 1e-15)
    #expect(abs(s.learningRate(at: 100) - (1e-4 + 9e-4 / 90)) < 1e-15)
  }

  @Test func constantStaysAtThePeak() throws {
    let s = try schedule(.constant, minimum: nil)
    #expect(s.learningRate(at: 5) == 1e-3 * 5 / 11)
    #expect(s.learningRate(at: 11) == 1e-3 && s.learningRate(at: 100) == 1e-3)
  }

  @Test func wsdDecaysOverTheLastSteps() throws {
    let s = try schedule(.wsd, minimum: 0, decay: 20)
    #expect(s.learningRate(at: 11) == 1e-3 && s.learningRate(at: 81) == 1e-3)
    #expect(abs(s.learningRate(at: 91) - 5e-4) < 1e-15)
    #expect(abs(s.learningRate(at: 100) - 1e-3 / 20) < 1e-15)
    #expect(try schedule(.wsd).decaySteps == 10)
  }

  @Test func absentSettingsFollowFromTheLength() throws {
    let short = try schedule(.cosine, minimum: nil, warmup: nil)
    #expect(short.warmupSteps == 10 && short.decaySteps == 90 && abs(short.minimum - 1e-4) < 1e-18)
    #expect(try schedule(.cosine, warmup: nil, total: 100_000).warmupSteps == 2000)
    // A run of one step is one step at the peak.
    #expect(try schedule(.cosine, warmup: nil, total: 1).learningRate(at: 1) == 1e-3)
  }

  @Test func whatDoesNotFitIsRefused() {
    #expect(throws: TrainingError.self) { try schedule(.cosine, warmup: 100) }
    #expect(throws: TrainingError.self) { try schedule(.wsd, warmup: 50, decay: 51) }
    #expect(throws: Never.self) { try schedule(.constant, warmup: 100) }
  }
}
