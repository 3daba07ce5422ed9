import Tensors

extension Graph {
  /// Attention of rows that are leaves of trees of texts, packed one after the other: y [N, H·D] from packed rows of
  /// q (H·D), k (G·D), v (G·D). Forward only.
  /// - Parameters:
  ///   - prefixKeys: a cache [capacity, G·D] that rows see the beginning of, with its `prefixValues`; nil for none.
  ///   - spans: int32 [N, 4], what each row sees: see `Device.attentionTree`.
  ///   - slopes: a constant [1, H]; slopes[h]·(j − i) is added to the score of query and key at the positions i and j of
  ///     their text (ALiBi).
  ///   - spec: its `length` means nothing here.
  public mutating func attentionTree(
    _ qkv: Value, prefixKeys: Value? = nil, prefixValues: Value? = nil, spans: Value, slopes: Value? = nil,
    _ spec: AttentionSpec
  ) throws(GraphError) -> Value {
    let rows = shape(qkv).rows
    try require(spec, slopes, for: qkv)
    try require("attention spans", spans, rows: rows, columns: 4, dtype: .int32)
    switch (prefixKeys, prefixValues) {
    case (nil, nil): break
    case (let keys?, let values?):
      let columns = spec.kvHeads * spec.headDimension
      try require("prefix keys", keys, columns: columns)
      try require("prefix values", values, rows: shape(keys).rows, columns: columns)
    default:
      throw .shape(
        operation: "attention tree", expected: "both keys and values of the prefix, or neither",
        found: prefixKeys == nil ? "values alone" : "keys alone")
    }
    let y = try activation("attention", rows, spec.heads * spec.headDimension)
    emit(
      TreeAttentionOp(
        qkv: qkv, prefixKeys: prefixKeys, prefixValues: prefixValues, spans: spans, slopes: slopes, y: y, spec: spec))
    return y
  }
}

/// Counts no floating-point operations: what rows see is only known when the program runs.
struct TreeAttentionOp: Op {
  var qkv: Value, prefixKeys: Value?, prefixValues: Value?, spans: Value, slopes: Value?, y: Value
  var spec: AttentionSpec

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&qkv, .read)
    visitIfPresent(&prefixKeys, .read, visit)
    visitIfPresent(&prefixValues, .read, visit)
    visit(&spans, .read)
    visitIfPresent(&slopes, .read, visit)
    visit(&y, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    device.attentionTree(
      at[y], qkv: at[qkv], prefixKeys: at[prefixKeys], prefixValues: at[prefixValues], spans: at[spans],
      slopes: at[slopes], spec)
  }
}
