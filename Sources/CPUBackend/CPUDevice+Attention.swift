import CKernels
import Tensors

extension CPUDevice {
  public func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec
  ) {
    var shape = spec.shape(of: qkv, slopes, documentStarts)
    ck_attention(
      pool, &shape, y.address.floats, Int64(y.stride), logSumExp.address.floats, Int64(logSumExp.stride),
      qkv.address.floats, Int64(qkv.stride))
  }

  public func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec
  ) {
    var shape = spec.shape(of: qkv, slopes, documentStarts)
    ck_attention_backward(
      pool, &shape, dqkv.address.floats, Int64(dqkv.stride), dy.address.floats, Int64(dy.stride), y.address.floats,
      Int64(y.stride), logSumExp.address.floats, Int64(logSumExp.stride), qkv.address.floats, Int64(qkv.stride))
  }

  public func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec
  ) {
    var shape = spec.shape(of: qkv, slopes, nil)
    ck_attention_cached(
      pool, &shape, y.address.floats, Int64(y.stride), qkv.address.floats, Int64(qkv.stride), keys.address.floats,
      Int64(keys.stride), values.address.floats, Int64(values.stride), Int64(capacity),
      Int64(scalars.pointee.position))
  }

  public func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec
  ) {
    var whole = spec
    whole.length = qkv.rows
    var shape = whole.shape(of: qkv, slopes, nil)
    var text = ck_attention_text(
      spans: spans.address.integers, spans_stride: Int64(spans.stride), keys: prefixKeys?.address.floats,
      values: prefixValues?.address.floats, keys_stride: Int64(prefixKeys?.stride ?? 0),
      values_stride: Int64(prefixValues?.stride ?? 0), rows: Int64(prefixKeys?.rows ?? 0))
    ck_attention_tree(
      pool, &shape, &text, y.address.floats, Int64(y.stride), qkv.address.floats, Int64(qkv.stride))
  }
}

extension AttentionSpec {
  fileprivate func shape(of qkv: Tensor, _ slopes: Tensor?, _ documentStarts: Tensor?) -> ck_attention_shape {
    ck_attention_shape(
      batch: Int64(qkv.rows / length), length: Int64(length), heads: Int64(heads), kv_heads: Int64(kvHeads),
      head_dim: Int64(headDimension), scale: scale, window: Int64(window ?? .max), softcap: softcap ?? 0,
      slopes: slopes?.address.floats, document_starts: documentStarts?.address.integers,
      document_starts_stride: Int64(documentStarts?.stride ?? 0))
  }
}
