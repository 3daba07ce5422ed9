import Tensors

extension ProfilingDevice {
  // MARK: Linear algebra

  public func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    let depth = transposeA ? a.rows : a.columns
    run(
      KernelClass(
        ProfilingDevice.name(transposeA: transposeA, transposeB: transposeB, accumulate, bias != nil), c.rows,
        c.columns,
        depth, kind: .product),
      operations: 2 * Double(c.count) * Double(depth), (c, accumulate.passes), (a, 1), (b, 1), (bias, 1)
    ) {
      device.matmul(c, a, b, transposeA: transposeA, transposeB: transposeB, accumulate: accumulate, bias: bias)
    }
  }

  private static func name(
    transposeA: Bool, transposeB: Bool, _ accumulate: Accumulation, _ hasBias: Bool
  ) -> String {
    let layout = (transposeA ? "T" : "N") + (transposeB ? "T" : "N")
    return "matmul \(layout)" + (accumulate == .add ? " +=" : "") + (hasBias ? " + bias" : "")
  }

  public func biasGradient(_ dBias: Tensor, _ dy: Tensor) {
    run(KernelClass("bias gradient", dy.rows, dy.columns), (dBias, 2), (dy, 1)) { device.biasGradient(dBias, dy) }
  }

  // MARK: Embedding

  public func gatherRows(
    _ y: Tensor, indices: Tensor, table: Tensor, positions: Tensor?, length: Int, scale: Float
  ) {
    // Rows of the table count as they are read: as many as rows of y, of the type of the table.
    let read = table.rows(0..<min(y.rows, table.rows))
    let added = positions.map { $0.rows(0..<min(length, $0.rows)) }
    run(KernelClass("embedding", y.rows, y.columns), (y, 1), (indices, 1), (read, 1), (added, 1)) {
      device.gatherRows(y, indices: indices, table: table, positions: positions, length: length, scale: scale)
    }
  }

  public func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float
  ) {
    let changed = dTable.map { $0.rows(0..<min(dy.rows, $0.rows)) }
    let positions = dPositions.map { $0.rows(0..<min(length, $0.rows)) }
    run(
      KernelClass("embedding backward", dy.rows, dy.columns), (dy, 1), (indices, 1), (changed, 2), (positions, 2)
    ) {
      device.gatherRowsBackward(
        dTable: dTable, dPositions: dPositions, dy: dy, indices: indices, length: length, scale: scale)
    }
  }

  // MARK: Normalisation

  public func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec
  ) {
    run(
      KernelClass(sum == nil ? "norm" : "norm of sum", y.rows, y.columns), (y, 1), (statistics, 1), (sum, 1), (x, 1),
      (delta, 1), (weight, 1), (bias, 1)
    ) {
      device.norm(y, statistics: statistics, sum: sum, x: x, delta: delta, weight: weight, bias: bias, spec)
    }
  }

  public func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation
  ) {
    run(
      KernelClass("norm backward", x.rows, x.columns), (dx, accumulate.passes), (dWeight, 2), (dBias, 2), (dy, 1),
      (x, 1), (weight, 1), (statistics, 1)
    ) {
      device.normBackward(
        dx: dx, dWeight: dWeight, dBias: dBias, dy: dy, x: x, weight: weight, statistics: statistics, spec, accumulate)
    }
  }

  public func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec
  ) {
    run(KernelClass("head norm", y.rows, y.columns), (y, 1), (statistics, 1), (x, 1)) {
      device.headNorm(y, statistics: statistics, x: x, queryWeight: queryWeight, keyWeight: keyWeight, spec)
    }
  }

  public func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec
  ) {
    run(KernelClass("head norm backward", x.rows, x.columns), (dx, 1), (dy, 1), (x, 1), (statistics, 1)) {
      device.headNormBackward(
        dx: dx, dQueryWeight: dQueryWeight, dKeyWeight: dKeyWeight, dy: dy, x: x, queryWeight: queryWeight,
        keyWeight: keyWeight, statistics: statistics, spec)
    }
  }

  // MARK: Attention

  public func rope(_ x: Tensor, table: Tensor, _ spec: RoPESpec, inverse: Bool) {
    let rotated = x.columns(first: spec.heads * spec.headStride)
    run(
      KernelClass(inverse ? "rope backward" : "rope", x.rows, spec.length, spec.heads, spec.headDimension), (rotated, 2)
    ) {
      device.rope(x, table: table, spec, inverse: inverse)
    }
  }

  public func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec
  ) {
    run(
      ProfilingDevice.kernel("attention", qkv, spec), operations: spec.operations(rows: qkv.rows, products: 2), (y, 1),
      (logSumExp, 1), (qkv, 1)
    ) {
      device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts, spec)
    }
  }

  public func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec
  ) {
    run(
      ProfilingDevice.kernel("attention backward", qkv, spec),
      operations: spec.operations(rows: qkv.rows, products: 4), (dqkv, 1), (dy, 1), (y, 1), (logSumExp, 1), (qkv, 1)
    ) {
      device.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts, spec)
    }
  }

  /// Sizes: sequences, their length, heads, their dimension.
  private static func kernel(_ name: String, _ qkv: Tensor, _ spec: AttentionSpec) -> KernelClass {
    KernelClass(name, qkv.rows / spec.length, spec.length, spec.heads, spec.headDimension, kind: .attention)
  }

  /// What it has to do depends on the position; it is no part of a training step.
  public func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec
  ) {
    run(KernelClass("cached attention", qkv.rows, qkv.columns), (y, 1), (qkv, 1)) {
      device.attentionCached(y, qkv: qkv, keys: keys, values: values, slopes: slopes, capacity: capacity, spec)
    }
  }

  /// What it has to do depends on the spans; it is no part of a training step.
  public func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec
  ) {
    run(KernelClass("tree attention", qkv.rows, qkv.columns), (y, 1), (qkv, 1), (spans, 1)) {
      device.attentionTree(
        y, qkv: qkv, prefixKeys: prefixKeys, prefixValues: prefixValues, spans: spans, slopes: slopes, spec)
    }
  }

  // MARK: Pointwise

  public func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation) {
    run(KernelClass("activation", y.rows, y.columns), (y, 1), (x, 1)) { device.activation(y, x, kind) }
  }

  public func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation) {
    run(KernelClass("activation backward", dx.rows, dx.columns), (dx, 1), (dy, 1), (x, 1)) {
      device.activationBackward(dx, dy: dy, x: x, kind)
    }
  }

  public func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation) {
    run(KernelClass("gated activation", y.rows, y.columns), (y, 1), (gateUp, 1)) {
      device.gated(y, gateUp: gateUp, kind)
    }
  }

  public func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation) {
    run(KernelClass("gated activation backward", dy.rows, dy.columns), (dGateUp, 1), (dy, 1), (gateUp, 1)) {
      device.gatedBackward(dGateUp, dy: dy, gateUp: gateUp, kind)
    }
  }

  public func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
    run(KernelClass("add", y.rows, y.columns), (y, 1), (a, 1), (b, 1)) { device.add(y, a, b) }
  }

  public func copy(_ y: Tensor, _ x: Tensor) {
    run(KernelClass("copy", y.rows, y.columns), (y, 1), (x, 1)) { device.copy(y, x) }
  }

  public func fill(_ y: Tensor, _ value: Float) {
    run(KernelClass("fill", y.rows, y.columns), (y, 1)) { device.fill(y, value) }
  }

  // MARK: Losses

  public func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool) {
    run(
      KernelClass("cross entropy", logits.rows, logits.columns), (losses, 1), (logits, gradient ? 2 : 1), (targets, 1)
    ) {
      device.crossEntropy(losses: losses, logits: logits, targets: targets, softcap: softcap, gradient: gradient)
    }
  }

  public func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?) {
    run(
      KernelClass("log probabilities", logits.rows, logits.columns), (scores, 1), (greedy, 1), (logits, 1), (targets, 1)
    ) {
      device.logProbabilities(scores: scores, greedy: greedy, logits: logits, targets: targets, softcap: softcap)
    }
  }

  // MARK: Optimiser

  public func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    run(KernelClass("sum of squares", x.rows, x.columns), (x, 1)) { device.sumOfSquares(out, x) }
  }

  public func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor,
    _ spec: AdamWSpec
  ) {
    run(
      KernelClass("AdamW", parameters.rows, parameters.columns), (parameters, master == nil ? 2 : 1), (master, 2),
      (gradients, 2), (m, 2), (v, 2)
    ) {
      device.adamW(
        parameters: parameters, master: master, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm, spec)
    }
  }
}
