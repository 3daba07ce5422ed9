import CCUDA
import Tensors

// The kernels of `Device`, each the function of the same name of the table.

extension CUDADevice {
  /// Launches one kernel, with the scalars as they are now. (Those of a recording are stored when it runs.)
  private func launch(_ kernel: (ic_table, OpaquePointer) -> ic_status) {
    if !isRecording { note(storeScalars()) }
    note(kernel(table.pointee, context))
  }

  // MARK: Linear algebra

  public func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    launch { table, context in
      table.matmul(
        context, ic_tensor(c), ic_tensor(a), ic_tensor(b), transposeA ? 1 : 0, transposeB ? 1 : 0,
        ic_accumulation(accumulate), ic_tensor(bias))
    }
  }

  public func biasGradient(_ dBias: Tensor, _ dy: Tensor) {
    launch { table, context in table.bias_gradient(context, ic_tensor(dBias), ic_tensor(dy)) }
  }

  // MARK: Embedding

  public func gatherRows(
    _ y: Tensor, indices: Tensor, table rows: Tensor, positions: Tensor?, length: Int, scale: Float
  ) {
    launch { table, context in
      table.gather_rows(
        context, ic_tensor(y), ic_tensor(indices), ic_tensor(rows), ic_tensor(positions), Int64(length), scale)
    }
  }

  public func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float
  ) {
    launch { table, context in
      table.gather_rows_backward(
        context, ic_tensor(dTable), ic_tensor(dPositions), ic_tensor(dy), ic_tensor(indices), Int64(length), scale)
    }
  }

  // MARK: Normalisation

  public func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec
  ) {
    launch { table, context in
      table.norm(
        context, ic_tensor(y), ic_tensor(statistics), ic_tensor(sum), ic_tensor(x), ic_tensor(delta),
        ic_tensor(weight), ic_tensor(bias), ic_norm_spec(spec))
    }
  }

  public func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation
  ) {
    launch { table, context in
      table.norm_backward(
        context, ic_tensor(dx), ic_tensor(dWeight), ic_tensor(dBias), ic_tensor(dy), ic_tensor(x), ic_tensor(weight),
        ic_tensor(statistics), ic_norm_spec(spec), ic_accumulation(accumulate))
    }
  }

  // MARK: Attention

  public func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec
  ) {
    launch { table, context in
      table.head_norm(
        context, ic_tensor(y), ic_tensor(statistics), ic_tensor(x), ic_tensor(queryWeight), ic_tensor(keyWeight),
        ic_head_norm_spec(spec))
    }
  }

  public func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec
  ) {
    launch { table, context in
      table.head_norm_backward(
        context, ic_tensor(dx), ic_tensor(dQueryWeight), ic_tensor(dKeyWeight), ic_tensor(dy), ic_tensor(x),
        ic_tensor(queryWeight), ic_tensor(keyWeight), ic_tensor(statistics), ic_head_norm_spec(spec))
    }
  }

  public func rope(_ x: Tensor, table angles: Tensor, _ spec: RoPESpec, inverse: Bool) {
    launch { table, context in
      table.rope(
        context, ic_tensor(x), ic_tensor(angles),
        ic_rope_spec(
          length: Int64(spec.length), heads: Int32(spec.heads), head_dimension: Int32(spec.headDimension),
          head_stride: Int32(spec.headStride)),
        inverse ? 1 : 0)
    }
  }

  public func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec
  ) {
    launch { table, context in
      table.attention(
        context, ic_tensor(y), ic_tensor(logSumExp), ic_tensor(qkv), ic_tensor(slopes), ic_tensor(documentStarts),
        ic_attention_spec(spec))
    }
  }

  public func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec
  ) {
    launch { table, context in
      table.attention_backward(
        context, ic_tensor(dqkv), ic_tensor(dy), ic_tensor(y), ic_tensor(logSumExp), ic_tensor(qkv),
        ic_tensor(slopes), ic_tensor(documentStarts), ic_attention_spec(spec))
    }
  }

  public func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec
  ) {
    launch { table, context in
      table.attention_cached(
        context, ic_tensor(y), ic_tensor(qkv), ic_tensor(keys), ic_tensor(values), ic_tensor(slopes), Int64(capacity),
        ic_attention_spec(spec))
    }
  }

  public func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec
  ) {
    launch { table, context in
      table.attention_tree(
        context, ic_tensor(y), ic_tensor(qkv), ic_tensor(prefixKeys), ic_tensor(prefixValues), ic_tensor(spans),
        ic_tensor(slopes), ic_attention_spec(spec))
    }
  }

  // MARK: Pointwise

  public func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation) {
    launch { table, context in table.activation(context, ic_tensor(y), ic_tensor(x), ic_activation(kind)) }
  }

  public func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation) {
    launch { table, context in
      table.activation_backward(context, ic_tensor(dx), ic_tensor(dy), ic_tensor(x), ic_activation(kind))
    }
  }

  public func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation) {
    launch { table, context in table.gated(context, ic_tensor(y), ic_tensor(gateUp), ic_activation(kind)) }
  }

  public func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation) {
    launch { table, context in
      table.gated_backward(context, ic_tensor(dGateUp), ic_tensor(dy), ic_tensor(gateUp), ic_activation(kind))
    }
  }

  public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
    launch { table, context in table.add(context, ic_tensor(y), ic_tensor(a), ic_tensor(b)) }
  }

  public func copy(_ y: Tensor, _ x: Tensor) {
    launch { table, context in table.copy(context, ic_tensor(y), ic_tensor(x)) }
  }

  public func fill(_ y: Tensor, _ value: Float) {
    launch { table, context in table.fill(context, ic_tensor(y), value) }
  }

  // MARK: Losses

  public func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool) {
    launch { table, context in
      table.cross_entropy(
        context, ic_tensor(losses), ic_tensor(logits), ic_tensor(targets), softcap ?? 0, gradient ? 1 : 0)
    }
  }

  public func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?) {
    launch { table, context in
      table.log_probabilities(
        context, ic_tensor(scores), ic_tensor(greedy), ic_tensor(logits), ic_tensor(targets), softcap ?? 0)
    }
  }

  // MARK: Optimiser

  public func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    launch { table, context in table.sum_of_squares(context, ic_tensor(out), ic_tensor(x)) }
  }

  public func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor,
    _ spec: AdamWSpec
  ) {
    launch { table, context in
      table.adamw(
        context, ic_tensor(parameters), ic_tensor(master), ic_tensor(gradients), ic_tensor(m), ic_tensor(v),
        ic_tensor(squaredNorm), ic_adamw_spec(spec))
    }
  }
}
