/// A compute device: memory, transfers, replay and the kernel set.
///
/// Kernels are asynchronous; only `synchronize` and `download` wait. Shapes are the caller's promise (they were
/// checked when the graph was built): nothing is checked, allocated or synchronised in a kernel call.
///
/// Element types: activations, their gradients and parameters are of one type, float32 or (where `info.dtypes` has it)
/// bfloat16. Always float32: gradients of parameters, statistics, log-sum-exps, rotary tables, losses, scores and what
/// the optimiser keeps. A product of bfloat16 matrices may be float32. What float32 rows are multiplied by or looked up
/// in may be stored in one of `info.weightTypes`: results are as if it were float32.
///
/// Shape letters: N rows (B·T tokens), C model width, F feed-forward width, V vocabulary, H query heads,
/// G key/value heads, D head dimension, T sequence length.
public protocol Device: AnyObject {
  var info: DeviceInfo { get }
  /// The one `StepScalars` of this device. Kernels see what it holds when they, or the replay that they are in, are
  /// launched; `nonFinite` the device may set at any time.
  var scalars: UnsafeMutablePointer<StepScalars> { get }

  /// `bytes` of zeroed memory, aligned to 64 bytes.
  func allocate(bytes: Int) throws(DeviceError) -> UnsafeMutableRawPointer
  func release(_ address: UnsafeMutableRawPointer)
  /// Copies `host` (contiguous rows) into `tensor`. Returns when `host` may be reused.
  func upload(_ host: UnsafeRawBufferPointer, to tensor: Tensor)
  /// Waits for the kernels launched so far, then copies `tensor` into `host` as contiguous rows.
  func download(_ tensor: Tensor, to host: UnsafeMutableRawBufferPointer) throws(DeviceError)
  func synchronize() throws(DeviceError)
  /// Records the kernels that `body` launches, as something that launches them again.
  func record(_ body: @escaping () -> Void) throws(DeviceError) -> any Replay

  // MARK: Linear algebra

  /// c = op(a)·op(b) (+ bias per column), or c += with `.add`. Row major, strided rows. `bias`: [1, c.columns].
  func matmul(
    _ c: Tensor, _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, accumulate: Accumulation, bias: Tensor?)
  /// dBias[1, C] += column sums of dy [N, C].
  func biasGradient(_ dBias: Tensor, _ dy: Tensor)

  // MARK: Embedding

  /// y[i] = scale·table[indices[i]] (+ positions[(i mod length) + scalars.position]). y [N, C], indices int32 [N, 1].
  func gatherRows(_ y: Tensor, indices: Tensor, table: Tensor, positions: Tensor?, length: Int, scale: Float)
  /// dTable[indices[i]] += scale·dy[i] and dPositions[i mod length] += dy[i], rows in ascending order of i. Either may
  /// be nil.
  func gatherRowsBackward(
    dTable: Tensor?, dPositions: Tensor?, dy: Tensor, indices: Tensor, length: Int, scale: Float)

  // MARK: Normalisation

  /// With `delta`: sum = x + delta, y = norm(sum); else y = norm(x). x, y [N, C]; weight, bias [1, C]. What is
  /// normalised is multiplied by `spec.weightOffset` + weight. statistics [N, 2]: mean (0 for RMS) and reciprocal
  /// standard deviation of each row.
  func norm(
    _ y: Tensor, statistics: Tensor, sum: Tensor?, x: Tensor, delta: Tensor?, weight: Tensor, bias: Tensor?,
    _ spec: NormSpec)
  /// dx (set or added), dWeight += and dBias += for y = norm(x). `x` is the normalised input (`sum` when fused).
  func normBackward(
    dx: Tensor, dWeight: Tensor?, dBias: Tensor?, dy: Tensor, x: Tensor, weight: Tensor, statistics: Tensor,
    _ spec: NormSpec, _ accumulate: Accumulation)

  // MARK: Attention, on rows of packed q (H·D), k (G·D), v (G·D)

  /// y = x, but for the query and key heads, each of which is divided by the root of its mean square and multiplied by
  /// `queryWeight` or `keyWeight` [1, D]. x, y [N, (H + 2G)·stride]; statistics [N, H + G]: the reciprocal roots. What
  /// pads a head is copied.
  func headNorm(
    _ y: Tensor, statistics: Tensor, x: Tensor, queryWeight: Tensor, keyWeight: Tensor, _ spec: HeadNormSpec)
  /// Sets dx; dQueryWeight += and dKeyWeight += (float32), which may be nil, for y = headNorm(x).
  func headNormBackward(
    dx: Tensor, dQueryWeight: Tensor?, dKeyWeight: Tensor?, dy: Tensor, x: Tensor, queryWeight: Tensor,
    keyWeight: Tensor, statistics: Tensor, _ spec: HeadNormSpec)
  /// Rotates the first `spec.heads` heads of every row in place, by the halves convention of Llama (NeoX style).
  /// table [positions, D]: cos of the D/2 angles, then sin. Row i is at position (i mod length) + scalars.position.
  func rope(_ x: Tensor, table: Tensor, _ spec: RoPESpec, inverse: Bool)
  /// Causal attention. y [N, H·D], logSumExp [N, H], qkv [N, (H + 2G)·D]; N = B·length. With `slopes` (float32 [1, H];
  /// ALiBi, arXiv 2108.12409) slopes[h]·(j − i) is added to the score of query i and key j, after `spec.softcap`.
  ///
  /// With `documentStarts` (int32 [N, 1]; a sequence packed from several documents) the query at position t of its
  /// sequence sees no key before position documentStarts[row], which is 0…t (what is not counts as the nearest that is)
  /// and never falls from one row of a sequence to the next.
  func attention(
    _ y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?, _ spec: AttentionSpec)
  /// Sets dqkv from dy, with the saved y and logSumExp.
  func attentionBackward(
    dqkv: Tensor, dy: Tensor, y: Tensor, logSumExp: Tensor, qkv: Tensor, slopes: Tensor?, documentStarts: Tensor?,
    _ spec: AttentionSpec)
  /// Attention of `length` new rows per sequence against a cache: row i of sequence b is at position
  /// p = scalars.position + i; its k and v are written to row b·capacity + p of keys/values [B·capacity, G·D],
  /// and its q attends to positions 0…p.
  func attentionCached(
    _ y: Tensor, qkv: Tensor, keys: Tensor, values: Tensor, slopes: Tensor?, capacity: Int, _ spec: AttentionSpec)
  /// Attention of N rows that are leaves of trees of texts: y [N, H·D] from packed qkv [N, (H + 2G)·D].
  ///
  /// `spans` int32 [N, 4], a row (a, b, c, d): row i sees rows 0 ..< a of the caches prefixKeys/prefixValues
  /// [capacity, G·D] (none where there are none), rows b ..< c of qkv itself, and rows d … i of qkv itself; d ≤ i and
  /// b ≤ c ≤ d. What is out of range counts as the nearest that is not, in the order d, c, b; nothing else is read.
  ///
  /// The three follow one another as one text, whose positions `spec.window` and `slopes` count: 0 ..< a, then on to
  /// a + (c − b), then to row i itself, which is at a + (c − b) + (i − d). `spec.length` means nothing here.
  ///
  /// A row that holds NaN or infinity may make those NaN that share a tile with it, whatever they see.
  func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec)

  // MARK: Pointwise

  func activation(_ y: Tensor, _ x: Tensor, _ kind: Activation)
  /// dx = dy · f'(x). dx may be dy itself.
  func activationBackward(_ dx: Tensor, dy: Tensor, x: Tensor, _ kind: Activation)
  /// y[N, F] = f(gate)·up of gateUp [N, 2F] (gate first).
  func gated(_ y: Tensor, gateUp: Tensor, _ kind: Activation)
  func gatedBackward(_ dGateUp: Tensor, dy: Tensor, gateUp: Tensor, _ kind: Activation)
  /// y = a + b; y may be a.
  func add(_ y: Tensor, _ a: Tensor, _ b: Tensor)
  /// y = x, of one shape; between float32 and bfloat16 it converts, rounding to nearest even.
  func copy(_ y: Tensor, _ x: Tensor)
  func fill(_ y: Tensor, _ value: Float)

  // MARK: Losses

  /// losses[i] = −log softmax(logits[i])[targets[i]], or 0 where targets[i] < 0 (ignored). With `gradient`, logits are
  /// overwritten by (softmax − one-hot)·scalars.lossScale (0 on ignored rows). With `softcap` c, c·tanh(l/c) takes the
  /// place of every logit l; the gradient is that of l.
  func crossEntropy(losses: Tensor, logits: Tensor, targets: Tensor, softcap: Float?, gradient: Bool)
  /// scores[i] = log softmax(logits[i])[targets[i]]; greedy[i] (int32) = index of the first largest logit. `softcap` as
  /// in `crossEntropy`.
  func logProbabilities(scores: Tensor, greedy: Tensor, logits: Tensor, targets: Tensor, softcap: Float?)

  // MARK: Optimiser, on whole contiguous groups

  /// out[0] += Σ x², summed in an order that does not depend on the number of threads.
  func sumOfSquares(_ out: Tensor, _ x: Tensor)
  /// One AdamW step in PyTorch's order (decay, moments, update), gradients first scaled by
  /// min(1, clip / (√squaredNorm + 1e-6)) when scalars.clip > 0. Gradients are zeroed for the next step.
  /// When squaredNorm[0] is not finite nothing but gradients and `scalars.nonFinite` changes.
  ///
  /// With `master` (float32), that is what is updated, and `parameters` become its rounded values. m and v may both be
  /// bfloat16: then they are rounded stochastically, as `scalars.seed` decides.
  func adamW(
    parameters: Tensor, master: Tensor?, gradients: Tensor, m: Tensor, v: Tensor, squaredNorm: Tensor,
    _ spec: AdamWSpec)
}

/// Launches recorded kernels again.
public protocol Replay {
  func run() throws(DeviceError)
}

public struct DeviceInfo: Sendable {
  public var name: String
  /// Compute threads of a CPU; 1 elsewhere.
  public var threads: Int
  /// The types that activations and parameters may have.
  public var dtypes: Set<DType>
  /// The types that Adam's m and v may have.
  public var momentTypes: Set<DType>
  /// Types of two bytes that `b` of `matmul`, and table and positions of `gatherRows`, may have while all else is
  /// float32.
  public var weightTypes: Set<DType>
  /// Floating-point operations a second of matrix products in the fastest of these types, by the vendor's data sheet.
  public var peakOperationsPerSecond: Double?
  /// Whether it is fed by a host: large batches pay.
  public var isAccelerator: Bool
  /// Bytes of the host's memory that kernels use besides what is allocated: the scratch of threads and of libraries,
  /// with the code of these.
  public var scratchBytes: Int

  /// - Parameter momentTypes: `dtypes` when nil.
  public init(
    name: String, threads: Int, dtypes: Set<DType> = [.float32], momentTypes: Set<DType>? = nil,
    weightTypes: Set<DType> = [],
    peakOperationsPerSecond: Double? = nil, isAccelerator: Bool = false, scratchBytes: Int = 0
  ) {
    self.name = name
    self.threads = threads
    self.dtypes = dtypes
    self.momentTypes = momentTypes ?? dtypes
    self.weightTypes = weightTypes
    self.peakOperationsPerSecond = peakOperationsPerSecond
    self.isAccelerator = isAccelerator
    self.scratchBytes = scratchBytes
  }
}

public enum DeviceError: Error, Sendable, CustomStringConvertible {
  case unavailable(String)
  case outOfMemory(requested: Int)
  case kernel(String)

  public var description: String {
    switch self {
    case .unavailable(let reason): reason
    case .outOfMemory(let requested):
      "out of memory: \(requested) bytes could not be allocated; make the batch smaller (training.micro_batch_size, "
        + "data.sequence_length, --batch-tokens), or set training.recompute: block"
    case .kernel(let reason): "kernel failed: \(reason)"
    }
  }
}
