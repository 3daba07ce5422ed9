import Files

/// Several files of one format with an index.
struct ShardedCheckpoint: CheckpointReader {
  let path: String
  let tensors: [TensorDescription]
  let metadata: [String: String]
  let settings: JSONObject
  private let shards: [any CheckpointReader]
  /// Which of the shards holds each tensor.
  private let places: [String: Int]

  /// - Throws: `CheckpointError`: a shard is missing or malformed, or not what the index says.
  init(_ index: ShardIndex) throws(CheckpointError) {
    let missing = index.missingShards
    guard missing.isEmpty else {
      throw .missingShards(path: index.path, missing: missing, count: index.shards.count)
    }
    var numbers: [String: Int] = [:]
    var shards: [any CheckpointReader] = []
    for (number, name) in index.shards.enumerated() {
      numbers[name] = number
      shards.append(try Checkpoint.open(file: index.directory + "/" + name))
    }
    var places: [String: Int] = [:]
    for (tensor, name) in index.shardOfTensor {
      guard let number = numbers[name], shards[number].description(of: tensor) != nil else {
        throw .malformedIndex(
          path: index.path, reason: "'\(shown(tensor, limit: 80))' is said to be in \(name), but is not")
      }
      places[tensor] = number
    }
    let isListed = Set(places.keys)
    var tensors: [TensorDescription] = []
    for (number, shard) in shards.enumerated() {
      for tensor in shard.tensors {
        // What the index does not name is there all the same; where two shards have a name, the index decides.
        if let place = places[tensor.name] {
          guard place == number || isListed.contains(tensor.name) else {
            throw .malformedIndex(
              path: index.path,
              reason: "two shards have '\(shown(tensor.name, limit: 80))', and it does not say which counts")
          }
          if place == number { tensors.append(tensor) }
        } else {
          places[tensor.name] = number
          tensors.append(tensor)
        }
      }
    }
    // Each shard's sum is no overflow; that of thousands might be.
    var bytes = 0
    for tensor in tensors {
      let (sum, overflow) = bytes.addingReportingOverflow(tensor.byteCount)
      guard !overflow else { throw .malformedIndex(path: index.path, reason: "its tensors are larger than any memory") }
      bytes = sum
    }
    path = index.path
    self.tensors = tensors
    self.shards = shards
    self.places = places
    settings = shards.first { !$0.settings.isEmpty }?.settings ?? [:]
    metadata = shards.reduce(into: [:]) { $0.merge($1.metadata) { first, _ in first } }
  }

  var format: CheckpointFormat { shards.first?.format ?? .safetensors }
  var files: [String] { [path] + shards.map(\.path) }

  private func shard(of name: String) -> (any CheckpointReader)? { places[name].map { shards[$0] } }

  func description(of name: String) -> TensorDescription? { shard(of: name)?.description(of: name) }

  func contents(of name: String) throws(CheckpointError) -> TensorContents {
    guard let shard = shard(of: name) else { throw .missingTensor(path: path, tensor: name) }
    return try shard.contents(of: name)
  }

  func header(of path: String) -> UnsafeRawBufferPointer? {
    shards.first { $0.path == path }?.header(of: path)
  }
}
