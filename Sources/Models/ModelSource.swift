import Checkpoints
import Files

/// A pretrained model on the disk: its architecture, its weights, and where its tokenizer is.
public struct ModelSource: Sendable {
  /// As the user named it.
  public let name: String
  public let model: Model
  public let checkpoint: any CheckpointReader
  /// The directory with the tokenizer's files; nil when there are none.
  public let tokenizerDirectory: String?

  /// Opens what `name` means: a Hugging Face directory, one weights file with config.json beside it, or a hub id
  /// (`org/name`) in the local Hugging Face cache. No tensor is read.
  /// - Parameters:
  ///   - configuration: a config.json at another place.
  ///   - tokenizer: a tokenizer directory at another place.
  /// - Throws: `CheckpointError`, `ModelError`, `FileError`.
  public init(_ name: String, configuration: String? = nil, tokenizer: String? = nil) throws {
    self.name = name
    let path = try ModelLocation.resolve(name)
    let isDirectory = FileTree.isDirectory(path)
    let directory = isDirectory ? path : FileTree.parent(of: path)
    if !isDirectory, configuration == nil, !FileTree.exists(directory + "/config.json") {
      throw ModelError.loneWeights(path: path)
    }
    if let tokenizer, !ModelSource.hasTokenizer(tokenizer) { throw ModelError.missingTokenizer(directory: tokenizer) }
    // The configuration first: a directory without one is more often the wrong directory than a damaged model.
    model = try configuration.map { try Model.load(configurationFile: $0) } ?? Model.load(directory: directory)
    checkpoint = try Checkpoint.open(path)
    tokenizerDirectory = tokenizer ?? (ModelSource.hasTokenizer(directory) ? directory : nil)
  }

  /// Whether a directory holds a tokenizer.
  public static func hasTokenizer(_ directory: String) -> Bool {
    ["tokenizer.json", "tokenizer.model", "vocab.json"].contains { FileTree.exists(directory + "/" + $0) }
  }
}
