import Files

/// `model.safetensors.index.json`, `pytorch_model.bin.index.json`: which file beside it holds each tensor.
struct ShardIndex {
  static let fileName = "model.safetensors.index.json"
  static let nameEnd = ".index.json"

  let path: String
  /// File names, in order, each once.
  let shards: [String]
  /// The file name of each tensor.
  let shardOfTensor: [(tensor: String, shard: String)]

  /// - Throws: `CheckpointError.malformedIndex`, `.file`.
  init(_ path: String) throws(CheckpointError) {
    self.path = path
    let root: JSON
    do { root = try JSON(contentsOf: path, duplicateKeys: .refused) } catch let error as FileError {
      throw .file(error)
    } catch { throw .malformedIndex(path: path, reason: "\(error)") }
    guard let map = root["weight_map"]?.object else {
      throw .malformedIndex(path: path, reason: "'weight_map' is missing or no JSON object")
    }
    guard !map.isEmpty else { throw .malformedIndex(path: path, reason: "'weight_map' names no tensors") }
    var shardOfTensor: [(String, String)] = []
    for (tensor, value) in map {
      guard let shard = value.string, ShardIndex.isFileName(shard) else {
        throw .malformedIndex(
          path: path,
          reason:
            "'\(shown(tensor, limit: 80))' is said to be in \(value.serialized().prefix(80)), which is no file's name")
      }
      shardOfTensor.append((tensor, shard))
    }
    self.shardOfTensor = shardOfTensor
    shards = Set(shardOfTensor.map(\.1)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  var directory: String { FileTree.parent(of: path) }

  var missingShards: [String] { shards.filter { !FileTree.isFile(directory + "/" + $0) } }

  /// Whether a name is that of a file in the same directory, and not a way out of it or another index.
  private static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.hasSuffix(nameEnd)
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }
}
