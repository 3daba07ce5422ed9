import Checkpoints
import Files

/// How another program than transformers describes a model and calls its weights. A dialect knows where each tensor of the
/// Hugging Face names is; loading, slicing and converting see only those.
protocol ModelDialect: Sendable {
  /// As its users call it: "nanoGPT".
  static var name: String { get }
  /// The families it has names for.
  static var modelTypes: [String] { get }
  /// Where its own configuration may be that may also be missing: "lit_config.json beside it".
  static var configurationPlace: String? { get }

  /// Nil when the checkpoint is not written in this dialect.
  init?(_ checkpoint: any CheckpointReader)

  /// The keys of a Hugging Face config.json that say the same as what the checkpoint, or its program's own file in
  /// `directory`, says; nil when neither says anything.
  /// - Throws: `ModelError` naming the key that is missing, out of range or of another architecture; `FileError`.
  func configuration(in directory: String) throws -> JSONObject?

  /// Where a tensor is; nil when the dialect has no name for it.
  func place(of entry: WeightEntry, in model: Model) throws(ModelError) -> StoredTensor?

  /// Whether a tensor that no entry names carries no weights, or repeats some.
  func isIgnored(_ name: String) -> Bool
}

/// Where a checkpoint has a tensor.
struct StoredTensor {
  var name: String
  var shape: [Int]
  /// From the stored layout, whose sizes are `shape`, to one that has the wanted elements in their order.
  var view: (StridedLayout) -> StridedLayout = { $0 }
}

extension WeightEntry {
  /// The name with `*` for the block's number, and the number.
  var pattern: String {
    guard let layer else { return name }
    let number = String(layer)
    return name.split(separator: ".").map { $0 == number ? "*" : String($0) }.joined(separator: ".")
  }
}

extension StridedLayout {
  /// Of a matrix.
  var transposed: StridedLayout { permuting([1, 0]) }
}

extension ConfigurationReader {
  /// A whole number that another key of config.json takes over.
  func checked(
    _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int> = dimensions
  ) throws(ModelError) -> JSON {
    .integer(Int64(try integer(key, default: fallback, in: range)))
  }
}

extension CheckpointReader {
  /// The element type of the largest tensor, for config.json.
  var commonType: ElementType { tensors.max { $0.byteCount < $1.byteCount }?.type ?? .float32 }
}
