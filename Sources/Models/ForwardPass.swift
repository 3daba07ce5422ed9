import Programs
import Tensors

/// What a family writes its forward pass on: the graph, the shape of the rows, and attention in the form that fits them.
public struct ForwardPass {
  public var graph: Graph
  /// B sequences, of T rows each. A tree is one sequence of all its rows.
  public let batch: Int
  public let length: Int
  /// Rows per sequence of the key/value caches; nil where there are none.
  public let cacheCapacity: Int?
  /// int32 [B·T, 1], where the sequences hold several documents that do not see each other: the position, in its
  /// sequence, at which the document of each token begins. For every attention; there is none with caches.
  var documentStarts: Value?
  /// Where rows are leaves of trees of texts, and not sequences one after the other.
  var tree: TreeRows?
  /// The caches of each layer, [B·capacity, G·D] each, in order of layers. Their memory is a `KeyValueCache`.
  public private(set) var caches: [(keys: Value, values: Value)] = []
  private var rotaryTables: [RotaryEmbedding: Value] = [:]
  private var slopes: [[Float]: Value] = [:]

  init(
    batch: Int, length: Int, precision: Precision, cacheCapacity: Int? = nil, recompute: Recompute = .none
  ) {
    graph = Graph(recompute: recompute, precision: precision)
    self.batch = batch
    self.length = length
    self.cacheCapacity = cacheCapacity
  }

  /// What rows that are leaves of trees of texts say of themselves.
  struct TreeRows {
    /// int32 [N, 1]: the position of each row in its text.
    var positions: Value
    /// int32 [N, 4]: what each row sees, as `Device.attentionTree` has it.
    var spans: Value
    /// Positions are below it.
    var positionCount: Int
  }

  /// Token embedding [N, C] of `tokens` [N, 1], with learned positions when given: as `Graph.embedding`, at the positions
  /// that the rows have here.
  public mutating func embedding(
    _ tokens: Value, table: Value, scale: Float = 1, padding: Int? = nil, positions: Value? = nil,
    firstPosition: Int = 0
  ) throws(GraphError) -> Value {
    guard let tree, let positions else {
      return try graph.embedding(
        tokens, table: table, scale: scale, padding: padding, positions: positions, firstPosition: firstPosition,
        length: length)
    }
    return try graph.add(
      graph.embedding(tokens, table: table, scale: scale, padding: padding, length: length),
      graph.gatherRows(positions, tree.positions, firstRow: firstPosition))
  }

  /// Rotates queries and keys of packed rows (`heads` is H + G), by a table that all layers share.
  public mutating func rotate(
    _ qkv: Value, by embedding: RotaryEmbedding, heads: Int, headDimension: Int
  ) throws(GraphError) {
    let table: Value
    if let known = rotaryTables[embedding] {
      table = known
    } else {
      let positions = tree?.positionCount ?? cacheCapacity ?? length
      let constant = try graph.constant(
        "rotary", positions, embedding.dimension, embedding.table(positions: positions))
      // Row i of the gathered table is that of the position of row i.
      table = try tree.map { tree throws(GraphError) in try graph.gatherRows(constant, tree.positions) } ?? constant
      rotaryTables[embedding] = table
    }
    try graph.rope(
      qkv, table: table,
      RoPESpec(
        length: length, heads: heads, headDimension: embedding.dimension,
        headStride: graph.precision.headStride(headDimension)))
  }

  /// RMSNorm of each query and key head of packed rows, by weights [1, D] that all heads share.
  public mutating func headNorm(
    _ qkv: Value, heads: Int, kvHeads: Int, headDimension: Int, queryWeight: String, keyWeight: String, epsilon: Float
  ) throws(GraphError) -> Value {
    try graph.headNorm(
      qkv, queryWeight: queryWeight, keyWeight: keyWeight,
      HeadNormSpec(
        heads: heads, kvHeads: kvHeads, headDimension: headDimension,
        headStride: graph.precision.headStride(headDimension), epsilon: epsilon))
  }

  /// Causal self-attention over packed rows of q (H·D), k (G·D), v (G·D): [N, H·D]. Rows have their heads padded as the
  /// graph's precision wants.
  /// - Parameters:
  ///   - scale: the factor on q·k.
  ///   - window: keys that a query sees, its own included; nil: all before it.
  ///   - softcap: c of c·tanh(s/c), which scaled scores s become.
  ///   - slopes: one for each query head; slopes[h]·(j − i) is added to the score of query i and key j (ALiBi).
  public mutating func attention(
    _ qkv: Value, heads: Int, kvHeads: Int, headDimension: Int, scale: Float, window: Int? = nil, softcap: Float? = nil,
    slopes: [Float]? = nil
  ) throws(GraphError) -> Value {
    let headStride = graph.precision.headStride(headDimension)
    let spec = AttentionSpec(
      length: length, heads: heads, kvHeads: kvHeads, headDimension: headStride, scale: scale, window: window,
      softcap: softcap)
    var table: Value?
    if let slopes { table = try constant(slopes) }
    let cache = try makeCache(columns: kvHeads * headStride)
    if let tree {
      return try graph.attentionTree(
        qkv, prefixKeys: cache?.keys, prefixValues: cache?.values, spans: tree.spans, slopes: table, spec)
    }
    guard let capacity = cacheCapacity, let cache else {
      return try graph.attention(qkv, slopes: table, documentStarts: documentStarts, spec)
    }
    return try graph.attentionCached(
      qkv, slopes: table, keys: cache.keys, values: cache.values, capacity: capacity, spec)
  }

  /// The next layer's caches, if this pass has any.
  private mutating func makeCache(columns: Int) throws(GraphError) -> (keys: Value, values: Value)? {
    guard let cacheCapacity else { return nil }
    let (layer, rows) = (caches.count, batch * cacheCapacity)
    let keys = try graph.external("keys.\(layer)", rows, columns, graph.precision.compute)
    let values = try graph.external("values.\(layer)", rows, columns, graph.precision.compute)
    caches.append((keys, values))
    return (keys, values)
  }

  /// [1, H], shared by all layers that have the same.
  private mutating func constant(_ slopes: [Float]) throws(GraphError) -> Value {
    if let known = self.slopes[slopes] { return known }
    let table = try graph.constant("slopes", 1, slopes.count, slopes)
    self.slopes[slopes] = table
    return table
  }
}

extension ModelFamily {
  /// The whole model up to the final norm: [N, C] of `tokens` [N, 1].
  func hidden(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> Value {
    var x = try embed(&pass, tokens)
    for layer in 0..<shape.layerCount {
      let start = pass.graph.operationCount
      x = try block(&pass, x, layer: layer)
      // What leaves a recomputed block is kept: one tensor instead of two.
      if pass.graph.recompute == .block, let branch = x.branch {
        x = ResidualStream(try pass.graph.add(x.stream, branch))
      }
      pass.graph.markRegion(from: start)
    }
    return try finalNorm(&pass, x)
  }
}
