import Checkpoints
import Files
import Programs
import Tensors

/// A Hugging Face model directory: config.json beside the weights.
public enum ModelDirectory {
  /// Files beside config.json and the weights that belong to a model and are carried along unchanged.
  public static let companions = [
    "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja",
  ]

  /// Writes config.json and the weights of `store` into a directory that exists.
  /// - Parameters:
  ///   - type: the element type in the file: float32, bfloat16 or float16 (rounded to nearest even).
  ///   - maximumShardSize: bytes of one file at most; more weights make several and an index.
  /// - Throws: `CheckpointError`, `FileError`, `DeviceError`.
  public static func write(
    _ model: Model, store: ParameterStore, to directory: String, type: ElementType = .float32,
    maximumShardSize: Int = 5_000_000_000
  ) throws {
    try writeConfiguration(model, to: directory, type: type)
    // In the order of the names, as the safetensors library writes tensors of one type.
    let entries = model.weights.entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let tensors = try entries.map { try source(of: $0, store: store, type: type) }
    try SafetensorsWriter.write(
      tensors, to: directory, maximumShardSize: maximumShardSize, metadata: ["format": "pt"])
  }

  /// Writes config.json, which names `type` as the weights' type if it named one before.
  /// - Throws: `FileError`.
  public static func writeConfiguration(_ model: Model, to directory: String, type: ElementType) throws {
    let json = JSON.object(configuration(of: model, type: type)).serialized(indent: 2) + "\n"
    try AtomicFile.write(directory + "/config.json") { try $0.write(json) }
  }

  /// A model's config.json with `type` as the weights' type, if it named one before.
  public static func configuration(of model: Model, type: ElementType) -> JSONObject {
    var configuration = model.configuration
    for key in ["dtype", "torch_dtype"] where configuration[key] != nil {
      configuration[key] = .string(type.torchName)
    }
    return configuration
  }

  private static func source(of entry: WeightEntry, store: ParameterStore, type: ElementType) throws -> TensorSource {
    guard case .parameter(let name, let layout) = entry.content else {
      return TensorSource(name: entry.name, type: type, shape: entry.shape) { _, bytes in
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
      }
    }
    return TensorSource(name: entry.name, type: type, shape: entry.shape) { elements, bytes in
      let values = try layout.gather(elements) { try store.read($0, of: name) }
      values.withUnsafeBufferPointer { type.convert($0, into: bytes) }
    }
  }

  /// Copies what lies beside the weights of `source` (tokenizer, generation settings) into `destination`.
  /// - Throws: `FileError`.
  public static func copyCompanions(from source: String, to destination: String) throws {
    for name in companions where FileTree.exists(source + "/" + name) {
      try MappedFile(source + "/" + name).withBytes { bytes in
        try AtomicFile.write(destination + "/" + name) { try $0.write(bytes) }
      }
    }
  }
}
