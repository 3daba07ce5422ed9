import Foundation
import Tensors

extension ReferenceDevice {
  public func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool) {
    launched()
    let cap = Softcap(softcap)
    let scale = Double(scalars.pointee.lossScale)
    for i in 0..<logits.rows {
      let row = logits.row(i)
      let target = targets.integer(i)
      precondition(target < logits.columns, "crossEntropy: target \(target) of \(logits.columns)")
      let logSumExp = logSumExp(row, logits.columns, cap)
      losses.row(i)[0] = target < 0 ? 0 : logSumExp - cap.value(row[target])
      guard gradient else { continue }
      for j in 0..<logits.columns {
        let difference = exp(cap.value(row[j]) - logSumExp) - (j == target ? 1 : 0)
        row[j] = target < 0 ? 0 : difference * cap.derivative(row[j]) * scale
      }
    }
  }

  public func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?) {
    launched()
    let cap = Softcap(softcap)
    for i in 0..<logits.rows {
      let row = logits.row(i)
      var largest = 0
      // As numpy.argmax: what is not a number comes before everything else. The caps are in the order of the logits.
      for j in 0..<logits.columns where row[j] > row[largest] || (row[j].isNaN && !row[largest].isNaN) { largest = j }
      scores.row(i)[0] = cap.value(row[targets.integer(i)]) - logSumExp(row, logits.columns, cap)
      (greedy.address + i * greedy.stride * 4).integers[0] = Int32(largest)
    }
  }

  private func logSumExp(_ row: Elements, _ count: Int, _ cap: Softcap) -> Double {
    var largest = -Double.infinity
    for j in 0..<count { largest = max(largest, cap.value(row[j])) }
    var sum = 0.0
    for j in 0..<count { sum += exp(cap.value(row[j]) - largest) }
    return largest + log(sum)
  }

  public func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    launched()
    var sum = 0.0
    for i in 0..<x.rows {
      for j in 0..<x.columns { sum += x.row(i)[j] * x.row(i)[j] }
    }
    out.row(0).put(sum, at: 0, .add)
  }

  /// bfloat16 moments are rounded to nearest: what a device that rounds stochastically may be off by is one unit of the
  /// last place.
  public func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor,
    _ spec: AdamWSpec
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
    let factor = step.clip > 0 ? min(1, Double(step.clip) / (squared.squareRoot() + 1e-6)) : 1
    let updated = (master ?? parameters).row(0)
    let gradient = gradients.row(0)
    for i in 0..<parameters.columns {
      let scaled = gradient[i] * factor
      let first = spec.beta1 * m.row(0)[i] + (1 - spec.beta1) * scaled
      let second = spec.beta2 * v.row(0)[i] + (1 - spec.beta2) * scaled * scaled
      let decayed = updated[i] * (1 - rate * Double(spec.weightDecay))
      let denominator = second.squareRoot() / Double(step.biasCorrection2).squareRoot() + Double(spec.epsilon)
      let value = decayed - rate / Double(step.biasCorrection1) * first / denominator
      m.row(0)[i] = first
      v.row(0)[i] = second
      updated[i] = value
      if master != nil { parameters.row(0)[i] = updated[i] }
      gradient[i] = 0
    }
  }
}
