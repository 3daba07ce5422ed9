import Files

/// Opens checkpoints.
public enum Checkpoint {
  /// Extensions of weights in other formats.
  private static let otherFormats: Set = ["bin", "pt", "pth", "ckpt", "h5", "gguf", "msgpack", "npz", "pkl"]
  private static let singleFile = "model.safetensors"

  /// Opens a checkpoint without reading a tensor.
  /// - Parameter path: a safetensors file; an index of shards (`….index.json`); or a directory with either:
  ///   `model.safetensors` if it is there, as transformers does, else the index.
  /// - Throws: `CheckpointError` if it cannot be read, or is damaged.
  public static func open(_ path: String) throws(CheckpointError) -> any CheckpointReader {
    if FileTree.isDirectory(path) { return try open(directory: FileTree.withoutTrailingSlashes(path)) }
    if path.hasSuffix(".index.json") { return try ShardedCheckpoint(ShardIndex(path)) }
    guard !isOtherFormat(path) else { throw .unsupportedFormat(path: path) }
    return try SafetensorsFile(path)
  }

  private static func open(directory: String) throws(CheckpointError) -> any CheckpointReader {
    let single = directory + "/" + singleFile
    if FileTree.exists(single) { return try SafetensorsFile(single) }
    let index = directory + "/" + ShardIndex.fileName
    if FileTree.exists(index) { return try ShardedCheckpoint(ShardIndex(index)) }
    let names: [String]
    do { names = try FileTree.names(in: directory) } catch { throw .file(error) }
    let weights = names.filter(isOtherFormat)
    throw .noWeights(directory: directory, found: weights.isEmpty ? names : weights)
  }

  private static func isOtherFormat(_ path: String) -> Bool {
    guard let dot = path.lastIndex(of: ".") else { return false }
    return otherFormats.contains(path[path.index(after: dot)...].lowercased())
  }
}
