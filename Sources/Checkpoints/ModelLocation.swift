import Files
import Glibc

/// Where a model is that a user has named.
public struct ModelLocation: Sendable {
  /// A path that exists: a directory or a file.
  public let path: String
  /// What was asked of the Hugging Face cache; nil for a path.
  private let hubModel: HubModel?

  /// A path that exists is itself. Anything else is taken for a hub id, `org/name` or `org/name@revision`, and looked up in
  /// the local Hugging Face cache. Nothing is downloaded.
  /// - Throws: `CheckpointError.notInCache`, `.incompleteInCache`, `.file` for what can only be a path.
  public init(_ source: String) throws(CheckpointError) {
    try self.init(source) { name in getenv(name).map { String(cString: $0) } }
  }

  /// - Parameter environment: the value of an environment variable.
  init(_ source: String, environment: (String) -> String?) throws(CheckpointError) {
    if FileTree.exists(source) {
      path = source
      hubModel = nil
      return
    }
    guard let model = HubModel(source) else { throw .file(.notFound(path: source)) }
    hubModel = model
    path = try model.snapshot(in: HubModel.cacheDirectory(environment))
  }

  /// The directory that holds what belongs to the model: itself, or that of the file.
  public var directory: String {
    FileTree.isDirectory(path) ? FileTree.withoutTrailingSlashes(path) : FileTree.parent(of: path)
  }

  /// Opens the weights, as they are stored. No tensor is read.
  /// - Throws: `CheckpointError`; `.incompleteInCache` when a download was left unfinished.
  public func openCheckpoint() throws(CheckpointError) -> any CheckpointReader {
    do throws(CheckpointError) { return try Checkpoint.open(path) } catch {
      guard let hubModel else { throw error }
      switch error {
      case .noWeights: throw hubModel.incomplete(path, missing: ["weights"])
      case .missingShards(_, let missing, _): throw hubModel.incomplete(path, missing: missing)
      default: throw error
      }
    }
  }
}
