import CPUBackend
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Losses")
struct LossTests {
  static let vocabularies = [1, 5, 16, 63, 64, 1000, 50257]

  @Test("cross entropy, ignored targets, gradient in place", arguments: vocabularies)
  func crossEntropy(vocabulary: Int) throws {
    for (gradient, range) in [(false, Float(-5)...5), (true, -5...5), (true, -80...80)] {
      try expectConformance("V \(vocabulary), gradient \(gradient)", tolerance: 2e-6) { device in
        let rows = 7
        let logits = try device.gappedTensor(rows, vocabulary, gap: 3, seed: 1, in: range)
        var targets = randomIntegers(rows, seed: 2, in: 0..<Int32(vocabulary))
        targets[2] = -100
        targets[6] = -1
        let losses = try device.gappedTensor(rows, 1, gap: 1, seed: 3)
        device.scalars.pointee.lossScale = 0.125
        device.crossEntropy(
          losses: losses, logits: logits, targets: try device.integerTensor(targets), softcap: nil, gradient: gradient)
        return try [device.memory(losses), device.memory(logits)]
      }
    }
  }

  @Test("log-probabilities and the likeliest token", arguments: vocabularies)
  func logProbabilities(vocabulary: Int) throws {
    try expectConformance("V \(vocabulary)", tolerance: 1e-6) { device in
      let rows = 7
      let logits = try device.gappedTensor(rows, vocabulary, gap: 3, seed: 1, in: -12...12)
      let targets = try device.integerTensor(randomIntegers(rows, seed: 2, in: 0..<Int32(vocabulary)))
      let scores = try device.gappedTensor(rows, 1, gap: 1, seed: 3)
      let greedy = try device.integerTensor([Int32](repeating: -7, count: rows))
      device.logProbabilities(scores: scores, greedy: greedy, logits: logits, targets: targets, softcap: nil)
      return try [device.memory(scores), device.integers(greedy).map(Float.init), device.memory(logits)]
    }
  }

  @Test("each log-probability is exact to 1e-6 of its own size", arguments: [nil, 30, 3] as [Float?])
  func precision(softcap: Float?) throws {
    let device = try CPUDevice(threads: 2)
    let vocabulary = 50257
    let rows = 10
    let elements = randomFloats(rows * vocabulary, seed: 1, in: -15...15)
    let targets = randomIntegers(rows, seed: 2, in: 0..<Int32(vocabulary))
    let scores = try device.tensor(rows, 1)
    let greedy = try device.integerTensor([Int32](repeating: 0, count: rows))
    device.logProbabilities(
      scores: scores, greedy: greedy, logits: try device.tensor(rows, vocabulary, elements),
      targets: try device.integerTensor(targets), softcap: softcap)
    for (row, score) in try device.floats(scores).enumerated() {
      let logits = elements[row * vocabulary..<(row + 1) * vocabulary].map { logit in
        softcap.map { Double($0) * tanh(Double(logit) / Double($0)) } ?? Double(logit)
      }
      let largest = logits.max() ?? 0
      let expected = logits[Int(targets[row])] - largest - log(logits.reduce(0) { $0 + exp($1 - largest) })
      #expect(abs(Double(score) - expected) <= 1e-6 * abs(expected))
    }
  }

  /// numpy.argmax: the first of equals, and the first NaN before everything else.
  @Test(
    "the likeliest token is the first of equals, NaN first",
    arguments: [
      ([3: 9, 40: 9], 3), ([0: 9, 1: 9], 0), ([69: 9], 69), ([5: 9, 64: .nan, 66: .nan], 64), ([5: .infinity], 5),
      ([:], 0),
    ] as [([Int: Float], Int32)])
  func greedy(peaks: [Int: Float], expected: Int32) throws {
    let device = try CPUDevice(threads: 1)
    var elements = [Float](repeating: -1, count: 70)
    for (index, value) in peaks { elements[index] = value }
    let scores = try device.tensor(1, 1)
    let greedy = try device.integerTensor([-7])
    device.logProbabilities(
      scores: scores, greedy: greedy, logits: try device.tensor(1, 70, elements),
      targets: try device.integerTensor([2]), softcap: nil)
    #expect(try device.integers(greedy) == [expected])
    let spoiled = peaks.values.contains { !$0.isFinite }
    #expect(try device.floats(scores)[0].isNaN == spoiled)
  }

  @Test("the likeliest token is that of the logits before the cap, which leaves no infinities")
  func cappedLikeliest() throws {
    let device = try CPUDevice(threads: 1)
    var elements = [Float](repeating: -1, count: 70)
    (elements[3], elements[9]) = (1e6, .infinity)
    let logits = try device.tensor(1, 70, elements)
    let scores = try device.tensor(1, 1)
    let greedy = try device.integerTensor([-7])
    device.logProbabilities(
      scores: scores, greedy: greedy, logits: logits, targets: try device.integerTensor([3]), softcap: 30)
    #expect(try device.integers(greedy) == [9])
    #expect(abs(try device.floats(scores)[0] + log(2)) < 1e-6)
  }

  @Test("the gradient of capped logits is that of finite differences")
  func cappedGradient() throws {
    let device = try CPUDevice(threads: 1)
    let elements = randomFloats(9, seed: 1, in: -6...6)
    func loss(_ elements: [Float], gradient: Bool) throws -> (loss: Float, logits: [Float]) {
      let logits = try device.tensor(1, 9, elements)
      let losses = try device.tensor(1, 1)
      device.crossEntropy(
        losses: losses, logits: logits, targets: try device.integerTensor([4]), softcap: 3, gradient: gradient)
      return (try device.floats(losses)[0], try device.floats(logits))
    }
    device.scalars.pointee.lossScale = 1
    let gradient = try loss(elements, gradient: true).logits
    for index in elements.indices {
      var (above, below) = (elements, elements)
      above[index] += 0.05
      below[index] -= 0.05
      let difference = (try loss(above, gradient: false).loss - loss(below, gradient: false).loss) / 0.1
      #expect(abs(difference - gradient[index]) < 3e-4, "logit \(index)")
    }
  }

  /// A row is summed piece by piece, each relative to the largest logit so far.
  @Test("logits that grow along the row, after a masked beginning")
  func growing() throws {
    try expectConformance("growing", tolerance: 2e-6) { device in
      let vocabulary = 20_000
      let elements = (0..<2 * vocabulary).map { index -> Float in
        let column = index % vocabulary
        return index < 5000 ? -.infinity : Float(column) / 250 - (index < vocabulary ? 0 : 900)
      }
      let logits = try device.tensor(2, vocabulary, elements)
      let targets = try device.integerTensor([19_990, 12_345])
      let scores = try device.tensor(2, 1)
      let greedy = try device.integerTensor([-7, -7])
      let losses = try device.tensor(2, 1)
      device.scalars.pointee.lossScale = 1
      device.logProbabilities(scores: scores, greedy: greedy, logits: logits, targets: targets, softcap: nil)
      device.crossEntropy(losses: losses, logits: logits, targets: targets, softcap: nil, gradient: true)
      return try [
        device.floats(scores), device.integers(greedy).map(Float.init), device.floats(losses), device.floats(logits),
      ]
    }
  }

  @Test("masked logits of −infinity get no probability, and a row of nothing else no loss")
  func masked() throws {
    let device = try CPUDevice(threads: 1)
    let infinity = Float.infinity
    let logits = try device.tensor(3, 3, [-infinity, 1, 1, -infinity, 0, -infinity, -infinity, -infinity, -infinity])
    let losses = try device.tensor(3, 1)
    device.crossEntropy(
      losses: losses, logits: logits, targets: try device.integerTensor([1, 0, 0]), softcap: nil, gradient: true)
    let found = try device.floats(losses)
    let gradient = try device.floats(logits)
    #expect(abs(found[0] - log(2)) < 1e-6 && found[1] == infinity && found[2].isNaN)
    #expect(gradient[0..<3] == [0, -0.5, 0.5] && gradient[3..<6] == [-1, 1, 0])
  }
}
