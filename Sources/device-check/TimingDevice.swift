import Tensors

/// A device that times every kernel it passes on: once for each kernel and shape, several launches back to back. What the
/// tensors hold afterwards means nothing.
final class TimingDevice: Device {
  /// One kernel on one shape.
  struct Entry {
    let kernel: String
    let shape: String
    /// Launches in what was run.
    var count: Int
    /// Of one launch.
    let seconds: Double
    /// Read and written by one launch, each operand once.
    let bytes: Double
    /// Floating-point operations of one launch, of matrix products and attention.
    let operations: Double

    var totalSeconds: Double { seconds * Double(count) }
  }

  private(set) var entries: [String: Entry] = [:]
  private let base: any Device
  /// Seconds of the kernels that a closure launches.
  private let time: (() -> Void) throws -> Double
  private var failure: (any Error)?

  init(_ base: any Device, time: @escaping (() -> Void) throws -> Double) {
    self.base = base
    self.time = time
  }

  func check() throws { if let failure { throw failure } }

  private static let repeats = 10

  private func launch(
    _ kernel: String, _ shape: String, read: [Tensor?], written: [Tensor?], updated: [Tensor?] = [],
    operations: Double = 0, _ body: () -> Void
  ) {
    let key = kernel + " " + shape
    if entries[key] != nil {
      entries[key]?.count += 1
      return
    }
    func bytes(_ tensors: [Tensor?]) -> Double { tensors.reduce(0) { $0 + Double($1?.byteCount ?? 0) } }
    do {
      body()  // chooses algorithms, takes workspaces, fills caches
      let seconds = try time { for _ in 0..<Self.repeats { body() } } / Double(Self.repeats)
      entries[key] = Entry(
        kernel: kernel, shape: shape, count: 1, seconds: seconds,
        bytes: bytes(read) + bytes(written) + 2 * bytes(updated), operations: operations)
    } catch { failure = failure ?? error }
  }

  // MARK: Passed on

  var info: DeviceInfo { base.info }
  var scalars: UnsafeMutablePointer<StepScalars> { base.scalars }
  func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer { try base.allocate(bytes: bytes) }
  func release(_ address: UnsafeMutableRawPointer) { base.release(address) }
  func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor) { base.upload(host, to: tensor) }
  func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) throws(DeviceError) {
    try base.download(tensor, to: host)
  }
  func synchronize() throws(DeviceError) { try base.synchronize() }

  private struct Direct: Replay {
    let body: () -> Void
    func run() { body() }
  }

  func record(_ body: @escaping () -> Void) throws(DeviceError) -> any Replay { Direct(body: body) }

  // MARK: Kernels

  private func shape(_ tensor: Tensor) -> String { "\(tensor.rows)×\(tensor.columns)" }
  private func product(_ sizes: Int...) -> Double { sizes.reduce(2) { $0 * Double($1) } }

  func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    let inner = transposeA ? a.rows : a.columns
    let name = "\(c.rows)×\(c.columns)×\(inner) \(transposeA ? "T" : "N")\(transposeB ? "T" : "N")"
    launch(
      "matmul",
      name + (accumulate == .add ? " +=" : "") + (c.dtype == .float32 && a.dtype != .float32 ? " float32" : ""),
      read: [a, b, bias], written: accumulate == .set ? [c] : [], updated: accumulate == .add ? [c] : [],
      operations: product(c.rows, c.columns, inner)
    ) {
      base.matmul(c, a, b, transposeA: transposeA, transposeB: transposeB, accumulate: accumulate, bias: bias)
    }
  }

  func biasGradient(_ dBias: Tensor, _ dy: Tensor) {
    launch("biasGradient", shape(dy), read: [dy], written: [], updated: [dBias]) { base.biasGradient(dBias, dy) }
  }

  func gatherRows(_ y: Tensor, indices: Tensor, table: Tensor, positions: Tensor?, length: Int, scale: Float) {
    launch("gatherRows", shape(y), read: [indices, y], written: [y]) {
      base.gatherRows(y, indices: indices, table: table, positions: positions, length: length, scale: scale)
    }
  }

  func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float
  ) {
    launch("gatherRowsBackward", shape(dy), read: [indices, dy], written: [], updated: [dy]) {
      base.gatherRowsBackward(
        dTable: dTable, dPositions: dPositions, dy: dy, indices: indices, length: length, scale: scale)
    }
  }

  func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec
  ) {
    launch("norm", shape(x) + (sum == nil ? "" : " + residual"), read: [x, delta], written: [y, sum, statistics]) {
      base.norm(y, statistics: statistics, sum: sum, x: x, delta: delta, weight: weight, bias: bias, spec)
    }
  }

  func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation
  ) {
    launch(
      "normBackward", shape(x), read: [dy, x, statistics], written: accumulate == .set ? [dx] : [],
      updated: accumulate == .add ? [dx] : []
    ) {
      base.normBackward(
        dx: dx, dWeight: dWeight, dBias: dBias, dy: dy, x: x, weight: weight, statistics: statistics, spec, accumulate)
    }
  }

  func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec
  ) {
    launch("headNorm", shape(x), read: [x, queryWeight, keyWeight], written: [y, statistics]) {
      base.headNorm(y, statistics: statistics, x: x, queryWeight: queryWeight, keyWeight: keyWeight, spec)
    }
  }

  func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec
  ) {
    launch("headNormBackward", shape(x), read: [dy, x, queryWeight, keyWeight, statistics], written: [dx]) {
      base.headNormBackward(
        dx: dx, dQueryWeight: dQueryWeight, dKeyWeight: dKeyWeight, dy: dy, x: x, queryWeight: queryWeight,
        keyWeight: keyWeight, statistics: statistics, spec)
    }
  }

  func rope(_ x: Tensor, table: Tensor, _ spec: RoPESpec, inverse: Bool) {
    let rotated = x.columns(first: spec.heads * spec.headStride)
    launch("rope", shape(rotated), read: [], written: [], updated: [rotated]) {
      base.rope(x, table: table, spec, inverse: inverse)
    }
  }

  private func attentionShape(
    _ qkv: Tensor, _ slopes: Tensor?, _ documentStarts: Tensor?, _ spec: AttentionSpec
  ) -> String {
    "B \(qkv.rows / spec.length) T \(spec.length) H \(spec.heads) G \(spec.kvHeads) D \(spec.headDimension)"
      + (spec.window.map { " window \($0)" } ?? "") + (spec.softcap == nil ? "" : " softcap")
      + (slopes == nil ? "" : " slopes") + (documentStarts == nil ? "" : " documents")
  }

  /// Of the two products, with the keys that queries see in sequences of one document.
  private func attentionOperations(_ y: Tensor, _ spec: AttentionSpec) -> Double {
    let window = Double(min(spec.window ?? spec.length, spec.length))
    let meanKeys = window * (1 - window / Double(2 * spec.length))
    return 2 * meanKeys * product(y.rows, y.columns)
  }

  func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec
  ) {
    launch(
      "attention", attentionShape(qkv, slopes, documentStarts, spec), read: [qkv, slopes, documentStarts],
      written: [y, logSumExp], operations: attentionOperations(y, spec)
    ) { base.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts, spec) }
  }

  func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec
  ) {
    launch(
      "attentionBackward", attentionShape(qkv, slopes, documentStarts, spec),
      read: [dy, y, logSumExp, qkv, slopes, documentStarts], written: [dqkv],
      operations: 2.5 * attentionOperations(y, spec)
    ) {
      base.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts, spec)
    }
  }

  func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec
  ) {
    launch(
      "attentionCached", attentionShape(qkv, slopes, nil, spec) + " capacity \(capacity)",
      read: [qkv, keys, values, slopes], written: [y]
    ) { base.attentionCached(y, qkv: qkv, keys: keys, values: values, slopes: slopes, capacity: capacity, spec) }
  }

  func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec
  ) {
    launch(
      "attentionTree", shape(qkv) + (prefixKeys.map { " prefix \(shape($0))" } ?? ""),
      read: [qkv, prefixKeys, prefixValues, spans, slopes], written: [y]
    ) {
      base.attentionTree(
        y, qkv: qkv, prefixKeys: prefixKeys, prefixValues: prefixValues, spans: spans, slopes: slopes, spec)
    }
  }

  func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation) {
    launch("activation", shape(x), read: [x], written: [y]) { base.activation(y, x, kind) }
  }

  func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation) {
    launch("activationBackward", shape(x), read: [dy, x], written: [dx]) {
      base.activationBackward(dx, dy: dy, x: x, kind)
    }
  }

  func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation) {
    launch("gated", shape(y), read: [gateUp], written: [y]) { base.gated(y, gateUp: gateUp, kind) }
  }

  func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation) {
    launch("gatedBackward", shape(dy), read: [dy, gateUp], written: [dGateUp]) {
      base.gatedBackward(dGateUp, dy: dy, gateUp: gateUp, kind)
    }
  }

  func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) {
    launch("add", shape(y), read: [a, b], written: [y]) { base.add(y, a, b) }
  }

  func copy(_ y: Tensor, _ x: Tensor) { launch("copy", shape(y), read: [x], written: [y]) { base.copy(y, x) } }

  func fill(_ y: Tensor, _ value: Float) {
    launch("fill", shape(y), read: [], written: [y]) { base.fill(y, value) }
  }

  func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool) {
    launch(
      "crossEntropy", shape(logits), read: gradient ? [targets] : [logits, targets], written: [losses],
      updated: gradient ? [logits] : []
    ) { base.crossEntropy(losses: losses, logits: logits, targets: targets, softcap: softcap, gradient: gradient) }
  }

  func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?) {
    launch("logProbabilities", shape(logits), read: [logits, targets], written: [scores, greedy]) {
      base.logProbabilities(scores: scores, greedy: greedy, logits: logits, targets: targets, softcap: softcap)
    }
  }

  func sumOfSquares(_ out: Tensor, _ x: Tensor) {
    launch("sumOfSquares", shape(x), read: [x], written: []) { base.sumOfSquares(out, x) }
  }

  func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor, _ spec: AdamWSpec
  ) {
    launch(
      "adamW", shape(parameters), read: [], written: master == nil ? [] : [parameters],
      updated: [master ?? parameters, gradients, m, v]
    ) {
      base.adamW(
        parameters: parameters, master: master, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm, spec)
    }
  }
}
