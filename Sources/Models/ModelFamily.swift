import Files
import Programs

/// A transformer architecture: how its configuration reads, how its forward pass is written, and how its parameters
/// are called in checkpoints. One file a family, forward only; gradients, memory and programs follow from it.
public protocol ModelFamily: Sendable {
  /// The `model_type`s of config.json that this family reads.
  static var modelTypes: [String] { get }
  /// The key that holds the number of blocks: `n_layer`, `num_hidden_layers`.
  static var layerCountKey: String { get }

  /// - Throws: `ModelError` naming the key that is missing or out of range.
  init(_ configuration: ConfigurationReader) throws(ModelError)

  var shape: ModelShape { get }
  /// The one table between checkpoint tensors and parameters, read both ways.
  var weights: WeightMap { get }

  /// Token (and position) embedding of `tokens` [N, 1]: the stream [N, C].
  func embed(_ pass: inout ForwardPass, _ tokens: Value) throws(GraphError) -> ResidualStream
  /// One transformer block.
  func block(_ pass: inout ForwardPass, _ x: ResidualStream, layer: Int) throws(GraphError) -> ResidualStream
  /// The final norm: [N, C], what the head multiplies.
  func finalNorm(_ pass: inout ForwardPass, _ x: ResidualStream) throws(GraphError) -> Value
  /// The output matrix [V, C]; the embedding when the two are tied.
  func headWeight(_ pass: inout ForwardPass) throws(GraphError) -> Value

  /// What is added to the logits [1, V]; nil in most families.
  func headBias(_ pass: inout ForwardPass) throws(GraphError) -> Value?
  /// c of c·tanh(l/c), which takes the place of every logit l; nil: logits stay as they are.
  var logitSoftcap: Float? { get }

  /// Keys of config.json that hold one value for each block, with the values in use: those of config.json or, where it lacks
  /// the key, what a block's number implies. A block that moves takes its values along.
  var layerSettings: [String: [JSON]] { get }

  /// What `entry`, a tensor of block `entry.layer`, must be multiplied with when it was taken from block `layer`, so that
  /// the block goes on computing what it did there; nil when the place of a block changes nothing.
  func rescaling(of entry: WeightEntry, movedFrom layer: Int) -> ColumnScaling?
}

extension ModelFamily {
  public func headBias(_ pass: inout ForwardPass) throws(GraphError) -> Value? { nil }
  public var logitSoftcap: Float? { nil }
  public var layerSettings: [String: [JSON]] { [:] }
  public func rescaling(of entry: WeightEntry, movedFrom layer: Int) -> ColumnScaling? { nil }
}

/// A factor on some columns of a tensor.
public struct ColumnScaling: Sendable, Hashable {
  /// Of the tensor's last axis.
  public var columns: Range<Int>
  public var factor: Float
}

/// The sizes that everything outside a family needs.
public struct ModelShape: Sendable, Hashable {
  public var layerCount: Int
  /// C.
  public var width: Int
  /// V.
  public var vocabularySize: Int
  /// The longest T.
  public var contextLength: Int
}

/// The residual stream between two sublayers: `stream` plus, when the last branch was not added yet, `branch`.
///
/// The addition is left to the next norm, which reads both anyway (one pass over memory instead of two).
public struct ResidualStream {
  public var stream: Value
  public var branch: Value?

  public init(_ stream: Value, adding branch: Value? = nil) {
    self.stream = stream
    self.branch = branch
  }
}
