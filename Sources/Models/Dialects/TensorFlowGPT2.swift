import Checkpoints
import Files

/// The `tf_model.h5` of transformers' `TFGPT2LMHeadModel`: Keras' paths and names, biases as [1, n]. Matrices are
/// `Conv1D`'s, as in PyTorch. The configuration is in config.json.
struct TensorFlowGPT2: ModelDialect {
  static let name = "TensorFlow"
  static let modelTypes = ["gpt2"]
  static let configurationPlace: String? = nil

  /// A tensor's last name in Hugging Face's checkpoints → in Keras', for norms and for the rest.
  private static let normNames = ["weight": "gamma:0", "bias": "beta:0"]
  private static let linearNames = ["weight": "weight:0", "bias": "bias:0"]
  /// Embeddings are transformers' own layer in some versions, and Keras' in others.
  private static let embeddingNames = ["weight:0", "embeddings:0"]

  /// What stands before `h_._0`: "transformer/tfgp_t2lm_head_model/transformer/".
  private let root: String
  private let names: Set<String>

  init?(_ checkpoint: any CheckpointReader) {
    let end = "h_._0/attn/c_attn/weight:0"
    guard let found = checkpoint.tensors.first(where: { $0.name.hasSuffix(end) }) else { return nil }
    root = String(found.name.dropLast(end.count))
    names = Set(checkpoint.tensors.map(\.name))
  }

  func configuration(in directory: String) -> JSONObject? { nil }

  func place(of entry: WeightEntry, in model: Model) -> StoredTensor? {
    var path = entry.pattern.split(separator: ".").map(String.init)
    guard path.count > 2, path.removeFirst() == "transformer" else { return nil }
    let kind = path.removeLast()
    if let layer = entry.layer { path.replaceSubrange(0..<2, with: ["h_._\(layer)"]) }
    let prefix = root + path.joined(separator: "/") + "/"
    let isNorm = path.last?.hasPrefix("ln_") == true
    switch entry.part {
    case .embeddings, .positions:
      let found = TensorFlowGPT2.embeddingNames.map { prefix + $0 }.first(where: names.contains)
      return StoredTensor(name: found ?? prefix + TensorFlowGPT2.embeddingNames[0], shape: entry.shape)
    default:
      guard let name = (isNorm ? TensorFlowGPT2.normNames : TensorFlowGPT2.linearNames)[kind] else { return nil }
      let isRow = !isNorm && kind == "bias"
      return StoredTensor(name: prefix + name, shape: (isRow ? [1] : []) + entry.shape)
    }
  }

  func isIgnored(_ name: String) -> Bool { false }
}
