import Glibc
import Testing

@testable import Models

struct RotaryEmbeddingTests {
  @Test func plainAngles() {
    let table = RotaryEmbedding(dimension: 8, theta: 10000).table(positions: 5)
    for position in 0..<5 {
      for index in 0..<4 {
        let angle = Double(position) * pow(10000, -Double(2 * index) / 8)
        #expect(abs(Double(table[position * 8 + index]) - cos(angle)) < 1e-6)
        #expect(abs(Double(table[position * 8 + 4 + index]) - sin(angle)) < 1e-6)
      }
    }
  }

  @Test func linearScalingStretchesPositions() {
    let plain = RotaryEmbedding(dimension: 4, theta: 100).table(positions: 3)
    let scaled = RotaryEmbedding(dimension: 4, theta: 100, scaling: .linear(factor: 2)).table(positions: 5)
    for index in 0..<4 { #expect(abs(scaled[4 * 4 + index] - plain[2 * 4 + index]) < 1e-6) }
  }

  /// High frequencies stay, low ones are divided by the factor.
  @Test func llama3Scaling() {
    let scaling = RotaryEmbedding.Scaling.llama3(
      factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32)
    let plain = RotaryEmbedding(dimension: 16, theta: 10000).table(positions: 2)
    let scaled = RotaryEmbedding(dimension: 16, theta: 10000, scaling: scaling).table(positions: 2)
    #expect(scaled[16] == plain[16])
    let last = 16 + 8 + 7  // sin of the lowest frequency at position 1, about the frequency itself
    #expect(abs(scaled[last] * 8 - plain[last]) < 1e-6)
  }
}
