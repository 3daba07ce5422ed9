import Testing

@testable import Evaluation

/// Expectations computed with CPython from the harness's formulas.
struct StatisticsTests {
  private func floats(_ values: [Double]) -> [MetricItem] { values.map(MetricItem.float) }

  @Test func meanAndItsStandardError() {
    let items = floats([1, 0, 0, 1, 1])
    #expect(Statistics.aggregate(items, .mean) == 0.6)
    #expect(Statistics.standardError(items, .mean, iterations: 100_000) == 0.24494897427831783)
  }

  @Test func perplexityAndItsBootstrap() {
    let items = floats([-1.5, -0.25, -3])
    #expect(Statistics.aggregate(items, .perplexity) == 4.871165999245474)
    // 2500 iterations are two whole blocks of 1000; 10 are one block of 10.
    #expect(Statistics.standardError(items, .perplexity, iterations: 2500) == 4.157662860698969)
    #expect(Statistics.standardError(items, .perplexity, iterations: 10) == 5.736081987093281)
  }

  @Test func weightedPerplexitySumsBeforeItDivides() {
    let words: [MetricItem] = [.counted(logLikelihood: -100, count: 20), .counted(logLikelihood: -0.5, count: 10)]
    #expect(Statistics.aggregate(words, .weightedPerplexity) == 28.502733643767282)
    let bytes: [MetricItem] = [.counted(logLikelihood: -100, count: 100), .counted(logLikelihood: -0.5, count: 30)]
    #expect(Statistics.aggregate(bytes, .bitsPerByte) == 1.1153142431487757)
  }

  /// Counts out of files of others may be of any size.
  @Test func countsThatOverflowIntegers() {
    let items: [MetricItem] = [.counted(logLikelihood: -1, count: .max), .counted(logLikelihood: -1, count: .max)]
    #expect(Statistics.aggregate(items, .weightedPerplexity) == 1)
    #expect(Statistics.groupMean([1, 0], sizes: [.max, .max]) == 0.5)
  }

  @Test func noStandardErrorWhereTheHarnessHasNone() {
    #expect(Statistics.standardError(floats([1]), .mean, iterations: 100) == nil)
    #expect(Statistics.standardError(floats([1, 0]), .mean, iterations: 0) == nil)
    #expect(Statistics.standardError(floats([-1, -2]), .weightedPerplexity, iterations: 100) == nil)
    #expect(Statistics.standardError(floats([-1, -2]), .bitsPerByte, iterations: 100) == nil)
    #expect(Statistics.standardError(floats([1, 1]), .mean, iterations: 100) == 0)
    // One replicate does not deviate from itself.
    #expect(Statistics.standardError(floats([-1, -2]), .perplexity, iterations: 1) == nil)
    #expect(Statistics.standardError(floats([0, 1]), .mean, iterations: 1) == 0.5)
  }

  @Test func firstMaximumIsNumpys() {
    #expect(firstMaximum([-3, -1, -1, -2]) == 1)
    #expect(firstMaximum([-3, .nan, -1, .nan]) == 1)
    #expect(firstMaximum([.nan, 5]) == 0)
    #expect(firstMaximum([-.infinity, -.infinity]) == 0)
    #expect(firstMaximum([-.infinity, -9]) == 1)
  }
}
