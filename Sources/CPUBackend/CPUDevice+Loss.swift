import CKernels
import Tensors

extension CPUDevice {
  public func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool) {
    ck_cross_entropy(
      pool, Int64(logits.rows), Int64(logits.columns), losses.address.floats, Int64(losses.stride),
      logits.address.floats, Int64(logits.stride), targets.address.integers, Int64(targets.stride), softcap ?? 0,
      gradient, scalars.pointee.lossScale)
  }

  public func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?) {
    ck_log_probabilities(
      pool, Int64(logits.rows), Int64(logits.columns), scores.address.floats, Int64(scores.stride),
      greedy.address.integers, Int64(greedy.stride), logits.address.floats, Int64(logits.stride),
      targets.address.integers, Int64(targets.stride), softcap ?? 0)
  }
}
