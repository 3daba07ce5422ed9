import CCUDA
import Tensors

// The types of `Tensors` as the table takes them.

extension ic_tensor {
  init(_ tensor: Tensor) {
    self.init(
      address: UInt64(UInt(bitPattern: tensor.address)), rows: Int64(tensor.rows), columns: Int64(tensor.columns),
      stride: Int64(tensor.stride), dtype: ic_dtype(rawValue: UInt32(tensor.dtype.rawValue)))
  }

  /// Address 0 where there is none.
  init(_ tensor: Tensor?) {
    if let tensor { self.init(tensor) } else { self.init() }
  }
}

extension ic_accumulation {
  init(_ accumulate: Accumulation) { self = accumulate == .add ? IC_ADD : IC_SET }
}

extension ic_activation {
  init(_ kind: Activation) {
    switch kind {
    case .geluTanh: self = IC_GELU_TANH
    case .geluErf: self = IC_GELU_ERF
    case .silu: self = IC_SILU
    case .relu: self = IC_RELU
    }
  }
}

extension ic_norm_spec {
  init(_ spec: NormSpec) {
    self.init(
      kind: spec.kind == .rms ? IC_RMS_NORM : IC_LAYER_NORM, epsilon: spec.epsilon, weight_offset: spec.weightOffset)
  }
}

extension ic_head_norm_spec {
  init(_ spec: HeadNormSpec) {
    self.init(
      heads: Int32(spec.heads), kv_heads: Int32(spec.kvHeads), head_dimension: Int32(spec.headDimension),
      head_stride: Int32(spec.headStride), epsilon: spec.epsilon)
  }
}

extension ic_attention_spec {
  init(_ spec: AttentionSpec) {
    self.init(
      length: Int64(spec.length), heads: Int32(spec.heads), kv_heads: Int32(spec.kvHeads),
      head_dimension: Int32(spec.headDimension), scale: spec.scale, window: Int32(clamping: spec.window ?? 0),
      softcap: spec.softcap ?? 0)
  }
}

extension ic_adamw_spec {
  init(_ spec: AdamWSpec) {
    self.init(
      beta2: Float(spec.beta2), epsilon: spec.epsilon, weight_decay: spec.weightDecay,
      learning_rate_multiplier: spec.learningRateMultiplier, one_minus_beta1: Float(1 - spec.beta1),
      one_minus_beta2: Float(1 - spec.beta2))
  }
}
