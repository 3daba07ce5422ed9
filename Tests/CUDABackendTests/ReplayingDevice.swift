import CUDABackend
import Tensors

/// A CUDA device that records each kernel by itself, and launches the graph: so that all that a kernel needs before it
/// is captured is asked for when it is prepared, and nothing happens before the graph runs.
final class ReplayingDevice: Device {
  private let device: CUDADevice
  private var failure: DeviceError?

  init(_ device: CUDADevice) { self.device = device }

  private func replay(_ kernel: @escaping () -> Void) {
    do throws(DeviceError) { try device.record(kernel).run() } catch { failure = failure ?? error }
  }

  private func throwFailure() throws(DeviceError) {
    if let failure { throw failure }
  }

  var info: DeviceInfo { device.info }
  var scalars: UnsafeMutablePointer<StepScalars> { device.scalars }
  func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer { try device.allocate(bytes: bytes) }
  func release(_ address: UnsafeMutableRawPointer) { device.release(address) }
  func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor) { device.upload(host, to: tensor) }
  func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) throws(DeviceError) {
    try throwFailure()
    try device.download(tensor, to: host)
  }
  func synchronize() throws(DeviceError) {
    try throwFailure()
    try device.synchronize()
  }
  func record(_ body: @escaping () -> Void) throws(DeviceError) -> any Replay { try device.record(body) }

  func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?
  ) {
    replay { [device] in
      device.matmul(c, a, b, transposeA: transposeA, transposeB: transposeB, accumulate: accumulate, bias: bias)
    }
  }
  func biasGradient(_ dBias: Tensor, _ dy: Tensor) { replay { [device] in device.biasGradient(dBias, dy) } }

  func gatherRows(_ y: Tensor, indices: Tensor, table: Tensor, positions: Tensor?, length: Int, scale: Float) {
    replay { [device] in
      device.gatherRows(y, indices: indices, table: table, positions: positions, length: length, scale: scale)
    }
  }
  func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float
  ) {
    replay { [device] in
      device.gatherRowsBackward(
        dTable: dTable, dPositions: dPositions, dy: dy, indices: indices, length: length, scale: scale)
    }
  }

  func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec
  ) {
    replay { [device] in
      device.norm(y, statistics: statistics, sum: sum, x: x, delta: delta, weight: weight, bias: bias, spec)
    }
  }
  func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation
  ) {
    replay { [device] in
      device.normBackward(
        dx: dx, dWeight: dWeight, dBias: dBias, dy: dy, x: x, weight: weight, statistics: statistics, spec, accumulate)
    }
  }

  func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec
  ) {
    replay { [device] in
      device.headNorm(y, statistics: statistics, x: x, queryWeight: queryWeight, keyWeight: keyWeight, spec)
    }
  }
  func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec
  ) {
    replay { [device] in
      device.headNormBackward(
        dx: dx, dQueryWeight: dQueryWeight, dKeyWeight: dKeyWeight, dy: dy, x: x, queryWeight: queryWeight,
        keyWeight: keyWeight, statistics: statistics, spec)
    }
  }
  func rope(_ x: Tensor, table: Tensor, _ spec: RoPESpec, inverse: Bool) {
    replay { [device] in device.rope(x, table: table, spec, inverse: inverse) }
  }
  func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec
  ) {
    replay { [device] in
      device.attention(y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts, spec)
    }
  }
  func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec
  ) {
    replay { [device] in
      device.attentionBackward(
        dqkv: dqkv, dy: dy, y: y, logSumExp: logSumExp, qkv: qkv, slopes: slopes, documentStarts: documentStarts, spec)
    }
  }
  func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec
  ) {
    replay { [device] in
      device.attentionCached(y, qkv: qkv, keys: keys, values: values, slopes: slopes, capacity: capacity, spec)
    }
  }
  func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec
  ) {
    replay { [device] in
      device.attentionTree(
        y, qkv: qkv, prefixKeys: prefixKeys, prefixValues: prefixValues, spans: spans, slopes: slopes, spec)
    }
  }

  func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation) {
    replay { [device] in device.activation(y, x, kind) }
  }
  func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation) {
    replay { [device] in device.activationBackward(dx, dy: dy, x: x, kind) }
  }
  func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation) {
    replay { [device] in device.gated(y, gateUp: gateUp, kind) }
  }
  func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation) {
    replay { [device] in device.gatedBackward(dGateUp, dy: dy, gateUp: gateUp, kind) }
  }
  func add(_ y: Tensor, _ a: Tensor, _ b: Tensor) { replay { [device] in device.add(y, a, b) } }
  func copy(_ y: Tensor, _ x: Tensor) { replay { [device] in device.copy(y, x) } }
  func fill(_ y: Tensor, _ value: Float) { replay { [device] in device.fill(y, value) } }

  func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool) {
    replay { [device] in
      device.crossEntropy(losses: losses, logits: logits, targets: targets, softcap: softcap, gradient: gradient)
    }
  }
  func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?) {
    replay { [device] in
      device.logProbabilities(scores: scores, greedy: greedy, logits: logits, targets: targets, softcap: softcap)
    }
  }

  func sumOfSquares(_ out: Tensor, _ x: Tensor) { replay { [device] in device.sumOfSquares(out, x) } }
  func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor,
    _ spec: AdamWSpec
  ) {
    replay { [device] in
      device.adamW(
        parameters: parameters, master: master, gradients: gradients, m: m, v: v, squaredNorm: squaredNorm, spec)
    }
  }
}
