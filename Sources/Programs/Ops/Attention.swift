import Tensors

extension Graph {
  /// Causal attention within each sequence: y [N, H·D] from packed rows of q (H·D), k (G·D), v (G·D).
  /// - Parameters:
  ///   - slopes: a constant [1, H]; slopes[h]·(j − i) is added to the score of query i and key j (ALiBi).
  ///   - documentStarts: int32 [N, 1], where sequences hold several documents that do not see each other: the position,
  ///     in its sequence, at which the document of each token begins.
  public mutating func attention(
    _ qkv: Value, slopes: Value? = nil, documentStarts: Value? = nil, _ spec: AttentionSpec
  ) throws(GraphError) -> Value {
    let rows = shape(qkv).rows
    try require(spec, slopes, for: qkv)
    try requireSequences("attention", qkv, length: spec.length)
    if let documentStarts { try require("document starts", documentStarts, rows: rows, columns: 1, dtype: .int32) }
    let y = try activation("attention", rows, spec.heads * spec.headDimension)
    let logSumExp = try activation("attention.logsumexp", rows, spec.heads, .float32)
    emit(
      AttentionOp(
        qkv: qkv, slopes: slopes, documentStarts: documentStarts, y: y, logSumExp: logSumExp, spec: spec))
    return y
  }

  /// Attention of `spec.length` new rows per sequence against persistent caches [B·capacity, G·D].
  public mutating func attentionCached(
    _ qkv: Value, slopes: Value? = nil, keys: Value, values: Value, capacity: Int, _ spec: AttentionSpec
  ) throws(GraphError) -> Value {
    let rows = shape(qkv).rows
    try require(spec, slopes, for: qkv)
    try requireSequences("attention", qkv, length: spec.length)
    try require("key cache", keys, rows: rows / spec.length * capacity, columns: spec.kvHeads * spec.headDimension)
    try require("value cache", values, rows: rows / spec.length * capacity, columns: spec.kvHeads * spec.headDimension)
    let y = try activation("attention", rows, spec.heads * spec.headDimension)
    emit(
      CachedAttentionOp(
        qkv: qkv, slopes: slopes, keys: keys, values: values, y: y, capacity: capacity, spec: spec))
    return y
  }

  func require(_ spec: AttentionSpec, _ slopes: Value?, for qkv: Value) throws(GraphError) {
    let sizes = [spec.heads, spec.kvHeads, spec.headDimension]
    // The upper bound keeps the products below from overflowing; no real model comes near it.
    guard sizes.allSatisfy((1...1 << 20).contains), spec.heads % spec.kvHeads == 0 else {
      throw .shape(
        operation: "attention", expected: "a number of query heads that is a multiple of the key/value heads",
        found: "\(spec.heads) query heads, \(spec.kvHeads) key/value heads of \(spec.headDimension)")
    }
    try require("attention", qkv, columns: (spec.heads + 2 * spec.kvHeads) * spec.headDimension)
    if let slopes { try require("attention slopes", slopes, rows: 1, columns: spec.heads, dtype: .float32) }
    guard spec.window ?? 1 > 0 else {
      throw .shape(operation: "attention", expected: "a window of one key at least", found: "\(spec.window ?? 0)")
    }
  }
}

struct AttentionOp: RepeatableOp {
  var qkv: Value, slopes: Value?, documentStarts: Value?, y: Value, logSumExp: Value
  var spec: AttentionSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&qkv, .read)
    visitIfPresent(&slopes, .read, visit)
    visitIfPresent(&documentStarts, .read, visit)
    visit(&y, .write)
    visit(&logSumExp, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.attention(
      at[y], logSumExp: at[logSumExp], qkv: at[qkv], slopes: at[slopes], documentStarts: at[documentStarts], spec)
  }

  /// Its products are, beside that of the linear layer that reads it, at most half the work: some hundredth of a step.
  var isCheap: Bool { 2 * spec.visibleKeys <= Double(spec.heads * spec.headDimension) / 2 }

  func repeated(into y: Value, _ makeActivation: (Value) -> Value) -> any Op {
    AttentionOp(
      qkv: qkv, slopes: slopes, documentStarts: documentStarts, y: y, logSumExp: makeActivation(logSumExp), spec: spec)
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    guard let dy = b.gradient(of: y) else { return }
    let y = b.again(y)
    try b.contribute(to: qkv) {
      AttentionBackwardOp(
        dqkv: $0, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts,
        spec: spec)
    }
  }

  /// Two products, 2 operations for each visible key.
  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double {
    4 * product(shape(y).rows, shape(y).columns) * spec.visibleKeys
  }
}

struct AttentionBackwardOp: Op {
  var dqkv: Value, dy: Value, y: Value, logSumExp: Value, qkv: Value, slopes: Value?, documentStarts: Value?
  var spec: AttentionSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&dy, .read)
    visit(&y, .read)
    visit(&logSumExp, .read)
    visit(&qkv, .read)
    visitIfPresent(&slopes, .read, visit)
    visitIfPresent(&documentStarts, .read, visit)
    visit(&dqkv, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.attentionBackward(
      dqkv: at[dqkv], dy: at[dy], y: at[y], logSumExp: at[logSumExp], qkv: at[qkv], slopes: at[slopes],
      documentStarts: at[documentStarts], spec)
  }

  /// Four products; the recomputed scores are not counted as useful work.
  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double {
    8 * product(shape(y).rows, shape(y).columns) * spec.visibleKeys
  }
}

struct CachedAttentionOp: Op {
  var qkv: Value, slopes: Value?, keys: Value, values: Value, y: Value
  var capacity: Int
  var spec: AttentionSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&qkv, .read)
    visitIfPresent(&slopes, .read, visit)
    visit(&keys, .update)
    visit(&values, .update)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.attentionCached(
      at[y], qkv: at[qkv], keys: at[keys], values: at[values], slopes: at[slopes], capacity: capacity, spec)
  }
}
