import CKernels
import Tensors

extension CPUDevice {
  public func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    out.address.floats[0] += Float(ck_sum_of_squares(pool, x.address.floats, Int64(x.count)))
  }

  public func adamW(
    parameters: Tensor, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor, _ spec: AdamWSpec
  ) {
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
      one_minus_beta1: complement(spec.beta1),
      beta2: spec.beta2,
      one_minus_beta2: complement(spec.beta2),
      step_size: Float(learningRate / Double(scalars.biasCorrection1)),
      root_bias_correction2: scalars.biasCorrection2.squareRoot(),
      epsilon: spec.epsilon)
    ck_adamw(
      pool, Int64(parameters.count), parameters.address.floats, gradients.address.floats, m.address.floats,
      v.address.floats, &step)
  }

  /// 1 − β as PyTorch has it, from the decimal that the user wrote. `beta` is the float nearest to that decimal: for
  /// 0.999 the exact difference from 1 would be off by 1e-5 of its size. Betas have at most seven decimals.
  private func complement(_ beta: Float) -> Float { Float(((1 - Double(beta)) * 1e7).rounded() / 1e7) }
}
