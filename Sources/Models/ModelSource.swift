import Checkpoints
import Files

/// A pretrained model on the disk: its architecture, its weights, and where its tokenizer is.
public struct ModelSource: Sendable {
  /// As the user named it.
  public let name: String
  public let model: Model
  /// The weights, under their names in Hugging Face's checkpoints.
  public let checkpoint: any CheckpointReader
  /// The program whose names and layouts the files have ("nanoGPT"); nil for Hugging Face's own.
  public let dialect: String?
  /// The directory with the tokenizer's files; nil when there are none.
  public let tokenizerDirectory: String?

  /// Opens what `name` means: a directory, one weights file, or a hub id (`org/name`) in the local Hugging Face cache. No
  /// tensor is read.
  ///
  /// The configuration is config.json beside the weights; without one, what the checkpoint says itself: nanoGPT's
  /// `model_args`, lit-gpt's lit_config.json, llama2.c's header.
  /// - Parameters:
  ///   - configuration: a config.json at another place.
  ///   - tokenizer: a tokenizer directory at another place.
  /// - Throws: `CheckpointError`, `ModelError`, `FileError`.
  public init(_ name: String, configuration: String? = nil, tokenizer: String? = nil) throws {
    let location = try ModelLocation(name)
    let directory = location.directory
    if let tokenizer, !ModelSource.hasTokenizer(tokenizer) { throw ModelError.missingTokenizer(directory: tokenizer) }
    // The configuration first: a directory without one is more often the wrong directory than a damaged model.
    let beside = FileTree.exists(directory + "/config.json") ? directory + "/config.json" : nil
    let configured = try (configuration ?? beside).map { try Model.load(configurationFile: $0) }
    let stored = try ModelSource.open(location, isConfigured: configured != nil)
    let dialect = ModelDialects.dialect(of: stored)
    let model = try configured ?? ModelSource.describedModel(of: stored, dialect, in: location)
    self.name = name
    self.model = model
    self.dialect = dialect?.name
    checkpoint = try dialect?.translate(stored, for: model) ?? stored
    tokenizerDirectory = tokenizer ?? (ModelSource.hasTokenizer(directory) ? directory : nil)
  }

  private static func open(_ location: ModelLocation, isConfigured: Bool) throws -> any CheckpointReader {
    do {
      return try location.openCheckpoint().unwrapped()
    } catch CheckpointError.noWeights where !isConfigured {
      throw ModelError.missingConfiguration(directory: location.directory)
    }
  }

  /// The model that the weights' own file, or its program's, describes.
  private static func describedModel(
    of stored: any CheckpointReader, _ dialect: (any ModelDialect)?, in location: ModelLocation
  ) throws -> Model {
    if let dialect { return try dialect.model(of: stored, in: location.directory) }
    // As this program's HDF5 files have it.
    if let configuration = stored.settings["config"]?.object, configuration["model_type"] != nil {
      return try Model(configuration: configuration, source: stored.path)
    }
    if FileTree.isDirectory(location.path) { throw ModelError.missingConfiguration(directory: location.directory) }
    throw ModelError.loneWeights(path: location.path)
  }

  /// Whether a directory holds a tokenizer.
  public static func hasTokenizer(_ directory: String) -> Bool {
    ["tokenizer.json", "tokenizer.model", "vocab.json"].contains { FileTree.exists(directory + "/" + $0) }
  }
}
