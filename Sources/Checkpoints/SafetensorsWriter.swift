import Files

/// Writes safetensors files: `model.safetensors`, or shards with an index.
public enum SafetensorsWriter {
  /// Writes tensors into a directory, each file whole or not at all, the index last.
  ///
  /// They keep their order, except that larger element types come first, so that every tensor is aligned; a checkpoint
  /// that the reference library wrote, written again, is the same file.
  /// - Parameters:
  ///   - maximumShardSize: bytes of the tensors in one file at most; a larger tensor has a file of its own.
  ///   - metadata: texts to leave in each file; transformers wants "format": "pt".
  ///   - progress: told (bytes written, all bytes) now and then; what it throws ends the writing.
  /// - Throws: `CheckpointError.duplicateTensor`, `FileError`, and what the closures throw.
  public static func write(
    _ tensors: [TensorSource], to directory: String, maximumShardSize: Int, metadata: [String: String],
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    try checkNames(tensors, path: directory)
    let total = tensors.reduce(0) { $0 + $1.description.byteCount }
    var done = 0
    func advance(_ count: Int) throws {
      done += count
      try progress(done, total)
    }
    let shards = split(aligned(tensors), maximumShardSize: maximumShardSize)
    if shards.count == 1 {
      return try write(shards[0], to: directory + "/model.safetensors", metadata: metadata, advance: advance)
    }
    var map = JSONObject()
    for (number, shard) in shards.enumerated() {
      let name = "model-\(padded(number + 1))-of-\(padded(shards.count)).safetensors"
      try write(shard, to: directory + "/" + name, metadata: metadata, advance: advance)
      for tensor in shard { map[tensor.description.name] = .string(name) }
    }
    let index: JSONObject = ["metadata": .object(["total_size": .integer(Int64(total))]), "weight_map": .object(map)]
    try AtomicFile.write(directory + "/" + ShardIndex.fileName) {
      try $0.write(JSON.object(index).serialized(indent: 2, sortKeys: true) + "\n")
    }
  }

  /// Writes one safetensors file of any size, whole or not at all, with the tensors in the order of `write(_:to:…)`.
  /// - Throws: `CheckpointError.duplicateTensor`, `FileError`, and what the tensors' closures throw.
  public static func write(
    _ tensors: [TensorSource], toFile path: String, metadata: [String: String] = [:]
  ) throws {
    try checkNames(tensors, path: path)
    try write(aligned(tensors), to: path, metadata: metadata, advance: { _ in })
  }

  private static func checkNames(_ tensors: [TensorSource], path: String) throws(CheckpointError) {
    var names: Set<String> = []
    for tensor in tensors where !names.insert(tensor.description.name).inserted {
      throw .duplicateTensor(path: path, tensor: tensor.description.name)
    }
  }

  private static func aligned(_ tensors: [TensorSource]) -> [TensorSource] {
    tensors.enumerated().sorted {
      ($1.element.description.type.size, $0.offset) < ($0.element.description.type.size, $1.offset)
    }.map(\.element)
  }

  /// Fills one file after the other; there is always one.
  private static func split(_ tensors: [TensorSource], maximumShardSize: Int) -> [[TensorSource]] {
    var shards: [[TensorSource]] = [[]]
    var size = 0
    for tensor in tensors {
      let count = tensor.description.byteCount
      if size > 0, size + count > maximumShardSize {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(tensor)
      size += count
    }
    return shards
  }

  /// Five digits, as in `model-00001-of-00002.safetensors`.
  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  private static func write(
    _ tensors: [TensorSource], to path: String, metadata: [String: String], advance: (Int) throws -> Void
  ) throws {
    let header = SafetensorsHeader.serialized(tensors.map(\.description), metadata: metadata)
    try AtomicFile.write(path) { file in
      try file.reserve(8 + header.utf8.count + tensors.reduce(0) { $0 + $1.description.byteCount })
      var length = UInt64(header.utf8.count).littleEndian
      try withUnsafeBytes(of: &length) { try file.write($0) }
      try file.write(header)
      for tensor in tensors { try tensor.write(to: file, advance: advance) }
    }
  }
}
