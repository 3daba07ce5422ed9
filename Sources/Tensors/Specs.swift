/// Whether a kernel writes its result or adds it to what is there.
public enum Accumulation: Sendable, Hashable { case set, add }

public enum Activation: Sendable, Hashable {
  /// GELU by the tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
  case geluTanh
  /// Exact GELU, by erf.
  case geluErf
  case silu
  case relu
}

public struct NormSpec: Sendable, Hashable {
  public enum Kind: Sendable, Hashable { case layer, rms }
  public var kind: Kind
  public var epsilon: Float
  /// Added to every weight: 1 where a file holds weights around 0 (Gemma).
  public var weightOffset: Float

  public init(kind: Kind, epsilon: Float, weightOffset: Float = 0) {
    self.kind = kind
    self.epsilon = epsilon
    self.weightOffset = weightOffset
  }
}

/// RMSNorm of single heads, in rows of packed q (H·D), k (G·D), v (G·D) (Qwen3's q_norm and k_norm).
public struct HeadNormSpec: Sendable, Hashable {
  /// H.
  public var heads: Int
  /// G.
  public var kvHeads: Int
  /// D: elements of a head.
  public var headDimension: Int
  /// Elements from one head to the next; D where heads are not padded.
  public var headStride: Int
  public var epsilon: Float

  public init(heads: Int, kvHeads: Int, headDimension: Int, headStride: Int, epsilon: Float) {
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.headStride = headStride
    self.epsilon = epsilon
  }
}

public struct RoPESpec: Sendable, Hashable {
  /// Rows of one sequence.
  public var length: Int
  /// Leading heads of a row that are rotated: H + G of a packed qkv row.
  public var heads: Int
  /// D: elements of a head that are rotated.
  public var headDimension: Int
  /// Elements from one head to the next; D where heads are not padded.
  public var headStride: Int

  public init(length: Int, heads: Int, headDimension: Int, headStride: Int? = nil) {
    self.length = length
    self.heads = heads
    self.headDimension = headDimension
    self.headStride = headStride ?? headDimension
  }
}

public struct AttentionSpec: Sendable, Hashable {
  /// Rows of one sequence (of the new rows, in cached attention).
  public var length: Int
  public var heads: Int
  public var kvHeads: Int
  public var headDimension: Int
  /// Factor on q·k.
  public var scale: Float
  /// Keys that a query sees, its own included (Mistral's sliding window); nil: all before it.
  public var window: Int?
  /// c of c·tanh(s/c), which scaled scores s become before anything else (Gemma 2); nil: they stay.
  public var softcap: Float?

  public init(
    length: Int, heads: Int, kvHeads: Int, headDimension: Int, scale: Float, window: Int? = nil, softcap: Float? = nil
  ) {
    self.length = length
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.scale = scale
    self.window = window
    self.softcap = softcap
  }

  /// Keys that a query of a whole sequence sees, on average: half of them, less those beyond the window. What documents
  /// hide is not known here.
  public var visibleKeys: Double {
    let window = Double(min(window ?? length, length))
    return window - window * window / (2 * Double(length))
  }
}

public struct AdamWSpec: Sendable, Hashable {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Float
  public var weightDecay: Float
  /// Factor on `scalars.learningRate` for this group.
  public var learningRateMultiplier: Float

  public init(
    beta1: Double, beta2: Double, epsilon: Float, weightDecay: Float, learningRateMultiplier: Float = 1
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.learningRateMultiplier = learningRateMultiplier
  }
}
