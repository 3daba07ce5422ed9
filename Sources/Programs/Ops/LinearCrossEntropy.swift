import Tensors

/// Output head and loss together, a chunk of rows at a time, so that the B·T·V logits never exist.
///
/// The idea of Cut Cross-Entropy (arXiv 2411.09009) and Liger's fused linear cross-entropy: logits of a chunk are
/// computed, scored and, when training, turned into their own gradient and used up before the next chunk starts.
enum HeadChunk {
  /// Logits of a chunk, in bytes, at most: small against a model with such a vocabulary.
  private static let budget = 256 << 20
  /// What a processor takes of it where that is at least `processorRows` rows. Every chunk reads the head twice, and
  /// reads and writes its gradient, however few rows share that: measured with a vocabulary of 50257, products of 256
  /// rows take 6 % longer than those of 512, and of 128 rows 15 %. An accelerator wants thousands.
  private static let processorBudget = 50 << 20
  private static let processorRows = 256

  /// Rows and columns of the logits of a chunk; chunks are of one size, as nearly as that goes. Rows start on multiples
  /// of 32 bytes, or products with a vocabulary of 50257 would be slow.
  static func shape(of total: Int, vocabulary: Int, _ dtype: DType, _ precision: Precision) -> (rows: Int, columns: Int)
  {
    let columns = (vocabulary + 15) / 16 * 16
    func room(_ bytes: Int) -> Int { bytes / (dtype.size * columns) }
    // Whole tiles of an accelerator's products.
    if precision.compute == .bfloat16 { return (min(total, max(room(budget) / 128 * 128, 128)), columns) }
    let most = max(min(max(room(processorBudget), processorRows), room(budget)) / 16 * 16, 64)
    let chunks = max((total + most - 1) / most, 1)
    return (min(total, ((total + chunks - 1) / chunks + 15) / 16 * 16), columns)
  }

  static func forEach(_ total: Int, chunk: Int, _ body: (Range<Int>) -> Void) {
    var start = 0
    while start < total {
      let end = min(start + chunk, total)
      body(start..<end)
      start = end
    }
  }
}

extension Graph {
  /// losses [N, 1] (persistent) = cross entropy of x·Wᵀ (+ bias [1, V]) against targets [N, 1]; negative targets are
  /// ignored.
  ///
  /// Differentiated, each row's gradient is multiplied by the device's `lossScale`.
  /// - Parameter softcap: c of c·tanh(l/c), which takes the place of every logit l (Gemma 2).
  public mutating func linearCrossEntropy(
    _ x: Value, weight: Value, bias: Value? = nil, targets: Value, losses: Value, softcap: Float? = nil
  ) throws(GraphError) {
    let (rows, columns) = shape(x)
    try requireWeight("head", weight, columns: columns)
    if let bias { try require("head bias", bias, rows: 1, columns: shape(weight).rows) }
    try require("head input", x)
    try require("targets", targets, rows: rows, columns: 1, dtype: .int32)
    try require("losses", losses, rows: rows, columns: 1, dtype: .float32)
    let logits = try logits(rows, weight, precision.compute)
    emit(
      LinearCrossEntropyOp(
        x: x, weight: weight, bias: bias, targets: targets, losses: losses, logits: logits, softcap: softcap,
        accumulation: .set))
  }

  /// scores [N, 1] = log-probability of targets [N, 1] under x·Wᵀ (+ bias [1, V]); greedy [N, 1] (int32) = the
  /// likeliest token.
  /// - Parameter softcap: as in `linearCrossEntropy`.
  public mutating func linearLogProbabilities(
    _ x: Value, weight: Value, bias: Value? = nil, targets: Value, scores: Value, greedy: Value, softcap: Float? = nil
  ) throws(GraphError) {
    let (rows, columns) = shape(x)
    try requireWeight("head", weight, columns: columns)
    if let bias { try require("head bias", bias, rows: 1, columns: shape(weight).rows) }
    try require("head input", x)
    try require("targets", targets, rows: rows, columns: 1, dtype: .int32)
    try require("scores", scores, rows: rows, columns: 1, dtype: .float32)
    try require("greedy tokens", greedy, rows: rows, columns: 1, dtype: .int32)
    // Not rounded: two likely tokens must not become equal.
    let logits = try logits(rows, weight, .float32)
    emit(
      LinearLogProbabilitiesOp(
        x: x, weight: weight, bias: bias, targets: targets, scores: scores, greedy: greedy, logits: logits,
        softcap: softcap))
  }

  private mutating func logits(_ rows: Int, _ weight: Value, _ dtype: DType) throws(GraphError) -> Value {
    let (rows, columns) = HeadChunk.shape(of: rows, vocabulary: shape(weight).rows, dtype, precision)
    return try workspace("logits", rows, columns, dtype)
  }
}

struct LinearCrossEntropyOp: Op {
  var x: Value, weight: Value, bias: Value?, targets: Value, losses: Value, logits: Value
  var softcap: Float?
  /// Present in the differentiated form, which computes the losses as well.
  var dx: Value?, dWeight: Value?, dBias: Value?
  var accumulation: Accumulation

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visit(&weight, .read)
    visitIfPresent(&bias, .read, visit)
    visit(&targets, .read)
    visit(&losses, .write)
    visit(&logits, .write)
    visitIfPresent(&dx, accumulation == .set ? .write : .update, visit)
    visitIfPresent(&dWeight, .update, visit)
    visitIfPresent(&dBias, .update, visit)
  }

  func launch(on device: any Device, _ at: Memory) {
    let x = at[x]
    let weight = at[weight]
    let bias = at[bias]
    let targets = at[targets]
    let losses = at[losses]
    let buffer = at[logits]
    let dx = at[dx]
    let dWeight = at[dWeight]
    let dBias = at[dBias]
    let trains = dx != nil || dWeight != nil || dBias != nil
    HeadChunk.forEach(x.rows, chunk: buffer.rows) { rows in
      let logits = buffer.rows(0..<rows.count).columns(first: weight.rows)
      device.matmul(
        logits, x.rows(rows), weight, transposeA: false, transposeB: true, accumulate: .set, bias: bias)
      device.crossEntropy(
        losses: losses.rows(rows), logits: logits, targets: targets.rows(rows), softcap: softcap, gradient: trains)
      if let dx {
        device.matmul(
          dx.rows(rows), logits, weight, transposeA: false, transposeB: false, accumulate: accumulation, bias: nil)
      }
      if let dWeight {
        device.matmul(
          dWeight, logits, x.rows(rows), transposeA: true, transposeB: false, accumulate: .add, bias: nil)
      }
      if let dBias { device.biasGradient(dBias, logits) }
    }
  }

  func backward(_ b: inout Backward) throws(GraphError) {
    let dWeight = try b.accumulator(weight)
    let dBias = try b.accumulator(bias)
    let dx = try b.target(x)
    guard dWeight != nil || dBias != nil || dx != nil else { return }
    var fused = self
    fused.dBias = dBias
    fused.dWeight = dWeight
    fused.dx = dx?.gradient
    fused.accumulation = dx?.accumulation ?? .set
    b.emit(fused)
    b.dropForwardOp()
  }

  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double {
    let products = [x, dx, dWeight].compactMap(\.self).count
    return 2 * Double(products) * product(shape(x).rows, shape(x).columns, shape(weight).rows)
  }
}

struct LinearLogProbabilitiesOp: Op {
  var x: Value, weight: Value, bias: Value?, targets: Value, scores: Value, greedy: Value, logits: Value
  var softcap: Float?

  mutating func operands(_ visit: (inout Value, Access) -> Void) {
    visit(&x, .read)
    visit(&weight, .read)
    visitIfPresent(&bias, .read, visit)
    visit(&targets, .read)
    visit(&scores, .write)
    visit(&greedy, .write)
    visit(&logits, .write)
  }

  func launch(on device: any Device, _ at: Memory) {
    let x = at[x]
    let weight = at[weight]
    let bias = at[bias]
    let targets = at[targets]
    let buffer = at[logits]
    let scores = at[scores]
    let greedy = at[greedy]
    HeadChunk.forEach(x.rows, chunk: buffer.rows) { rows in
      let logits = buffer.rows(0..<rows.count).columns(first: weight.rows)
      device.matmul(
        logits, x.rows(rows), weight, transposeA: false, transposeB: true, accumulate: .set, bias: bias)
      device.logProbabilities(
        scores: scores.rows(rows), greedy: greedy.rows(rows), logits: logits, targets: targets.rows(rows),
        softcap: softcap)
    }
  }

  func floatingPointOperations(_ shape: (Value) -> (rows: Int, columns: Int)) -> Double {
    2 * product(shape(x).rows, shape(x).columns, shape(weight).rows)
  }
}
