import Foundation
import Tensors

extension ReferenceDevice {
  public func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, gradient: Bool) {
    launched()
    let scale = Double(scalars.pointee.lossScale)
    for i in 0..<logits.rows {
      let row = logits.row(i)
      let target = targets.integer(i)
      precondition(target < logits.columns, "crossEntropy: target \(target) of \(logits.columns)")
      let logSumExp = logSumExp(row, logits.columns)
      losses.row(i)[0] = target < 0 ? 0 : Float(logSumExp - Double(row[target]))
      guard gradient else { continue }
      for j in 0..<logits.columns {
        let difference = exp(Double(row[j]) - logSumExp) - (j == target ? 1 : 0)
        row[j] = target < 0 ? 0 : Float(difference * scale)
      }
    }
  }

  public func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor) {
    launched()
    for i in 0..<logits.rows {
      let row = logits.row(i)
      var largest = 0
      for j in 0..<logits.columns where row[j] > row[largest] { largest = j }
      scores.row(i)[0] = Float(Double(row[targets.integer(i)]) - logSumExp(row, logits.columns))
      (greedy.address + i * greedy.stride * 4).integers[0] = Int32(largest)
    }
  }

  private func logSumExp(_ row: UnsafeMutablePointer<Float>, _ count: Int) -> Double {
    var largest = -Double.infinity
    for j in 0..<count { largest = max(largest, Double(row[j])) }
    var sum = 0.0
    for j in 0..<count { sum += exp(Double(row[j]) - largest) }
    return largest + log(sum)
  }

  public func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    launched()
    var sum = 0.0
    for i in 0..<x.rows {
      for j in 0..<x.columns { sum += Double(x.row(i)[j]) * Double(x.row(i)[j]) }
    }
    out.row(0).put(sum, at: 0, .add)
  }

  public func adamW(
    parameters: Tensor, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor, _ spec: AdamWSpec
  ) {
    launched()
    let step = scalars.pointee
    let squared = squaredNorm.row(0)[0]
    guard squared.isFinite else {
      scalars.pointee.nonFinite = 1
      gradients.fill { _, _ in 0 }
      return
    }
    let rate = Double(step.learningRate) * Double(spec.learningRateMultiplier)
    let factor = step.clip > 0 ? min(1, Double(step.clip) / (Double(squared).squareRoot() + 1e-6)) : 1
    let beta1 = Double(spec.beta1)
    let beta2 = Double(spec.beta2)
    for i in 0..<parameters.columns {
      let gradient = Double(gradients.row(0)[i]) * factor
      let first = beta1 * Double(m.row(0)[i]) + (1 - beta1) * gradient
      let second = beta2 * Double(v.row(0)[i]) + (1 - beta2) * gradient * gradient
      let decayed = Double(parameters.row(0)[i]) * (1 - rate * Double(spec.weightDecay))
      let denominator = second.squareRoot() / Double(step.biasCorrection2).squareRoot() + Double(spec.epsilon)
      m.row(0)[i] = Float(first)
      v.row(0)[i] = Float(second)
      parameters.row(0)[i] = Float(decayed - rate / Double(step.biasCorrection1) * first / denominator)
      gradients.row(0)[i] = 0
    }
  }
}
