import CKernels
import Tensors

extension CPUDevice {
  public func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    out.address.floats[0] += Float(ck_sum_of_squares(pool, x.address.floats, Int64(x.count)))
  }

  public func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor,
    _ spec: AdamWSpec
  ) {
    precondition(
      parameters.dtype == .float32 && master == nil && m.dtype == v.dtype && info.momentTypes.contains(m.dtype),
      "the CPU device trains float32 parameters without masters")
    let squared = squaredNorm.address.floats[0]
    guard squared.isFinite else {
      self.scalars.pointee.nonFinite = 1
      fill(gradients, 0)
      return
    }
    let scalars = self.scalars.pointee
    // torch.nn.utils.clip_grad_norm_
    let scale = scalars.clip > 0 ? min(1, scalars.clip / (squared.squareRoot() + 1e-6)) : 1
    let learningRate = Double(scalars.learningRate) * Double(spec.learningRateMultiplier)
    var step = ck_adamw_step(
      gradient_scale: scale,
      decay: Float(1 - learningRate * Double(spec.weightDecay)),
      one_minus_beta1: Float(1 - spec.beta1),
      beta2: Float(spec.beta2),
      one_minus_beta2: Float(1 - spec.beta2),
      step_size: Float(learningRate / Double(scalars.biasCorrection1)),
      root_bias_correction2: scalars.biasCorrection2.squareRoot(),
      epsilon: spec.epsilon)
    if m.dtype == .bfloat16 {
      ck_adamw_bfloat16(
        pool, Int64(parameters.count), parameters.address.floats, gradients.address.floats,
        m.address.assumingMemoryBound(to: UInt16.self), v.address.assumingMemoryBound(to: UInt16.self), scalars.seed,
        &step)
    } else {
      ck_adamw(
        pool, Int64(parameters.count), parameters.address.floats, gradients.address.floats, m.address.floats,
        v.address.floats, &step)
    }
  }
}
