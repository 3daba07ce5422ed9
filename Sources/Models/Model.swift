import Files
import Programs

/// A language model without its weights: a family and the configuration that shapes it.
public struct Model: Sendable {
  /// Every family there is. A new one is a file under Families/ and a name here.
  static let families: [any ModelFamily.Type] = [
    GPT2.self, GPTNeoX.self, Gemma.self, Gemma2.self, Llama.self, MPT.self, Mistral.self, OPT.self, Qwen2.self,
    Qwen3.self,
  ]

  /// config.json as it was read; written back the same but for what was asked.
  public let configuration: JSONObject
  public let family: any ModelFamily
  /// In the order of the forward pass.
  public let parameters: [Parameter]
  public let weights: WeightMap
  private let source: String

  /// - Parameters:
  ///   - configuration: the keys of a Hugging Face config.json.
  ///   - source: where it comes from, for messages.
  /// - Throws: `ModelError` for an unknown `model_type` and for keys that are missing or out of range.
  public init(configuration: JSONObject, source: String) throws(ModelError) {
    let reader = ConfigurationReader(configuration, source: source)
    guard reader.has("model_type") else { throw .missingKey(source: source, key: "model_type") }
    let type = try reader.string("model_type")
    guard let family = Model.families.first(where: { $0.modelTypes.contains(type) }) else {
      throw .unknownModelType(
        source: source, found: "'\(type)'", known: Model.families.flatMap { $0.modelTypes }.sorted())
    }
    self.configuration = configuration
    self.source = source
    self.family = try family.init(reader)
    weights = self.family.weights
    do {
      var pass = ForwardPass(batch: 1, length: 1, precision: .float32)
      let tokens = try pass.graph.input("tokens", 1, 1, .int32)
      _ = try self.family.hidden(&pass, tokens)
      _ = try self.family.headWeight(&pass)
      _ = try self.family.headBias(&pass)
      parameters = pass.graph.parameters
    } catch {
      throw .invalidGraph(source: source, reason: error.description)
    }
  }

  /// The model of the directory's config.json.
  /// - Throws: `ModelError`, `FileError`.
  public static func load(directory: String) throws -> Model {
    let path = directory + "/config.json"
    guard FileTree.exists(path) else { throw ModelError.missingConfiguration(directory: directory) }
    return try load(configurationFile: path)
  }

  /// The model of a config.json at any place.
  public static func load(configurationFile path: String) throws -> Model {
    try Model(configuration: ConfigurationReader(contentsOf: path).object, source: path)
  }

  public var shape: ModelShape { family.shape }
  public var modelType: String { configuration["model_type"]?.string ?? "" }
  public var layerCount: Int { shape.layerCount }
  public var vocabularySize: Int { shape.vocabularySize }
  /// Tokens the model can see at once, T at most.
  public var contextLength: Int { shape.contextLength }
  public var width: Int { shape.width }
  /// Number of elements of all parameters; tied weights count once.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// The names under which Hugging Face checkpoints hold each parameter: more than one when it is packed.
  public var fileNames: [String: [String]] {
    var names: [String: [String]] = [:]
    for entry in weights.entries {
      if let parameter = entry.parameter { names[parameter, default: []].append(entry.name) }
    }
    return names
  }

  /// The same architecture with as many blocks as `layers` has elements: block i has the per-layer settings
  /// (`layer_types` and the like) of block `layers[i]` of this model.
  /// - Precondition: the blocks exist.
  /// - Throws: `ModelError` as `init`.
  public func selectingLayers(_ layers: [Int]) throws(ModelError) -> Model {
    var configuration = configuration
    for (key, value) in configuration {
      guard let list = value.array, list.count == layerCount, Model.perLayerKeys.contains(key) else { continue }
      configuration[key] = .array(layers.map { list[$0] })
    }
    configuration[type(of: family).layerCountKey] = .integer(Int64(layers.count))
    let selected = try Model(configuration: configuration, source: source)
    // What a block's number implied there may be something else here.
    let moved = family.layerSettings.mapValues { values in layers.map { values[$0] } }
    guard selected.family.layerSettings != moved else { return selected }
    for (key, values) in moved.sorted(by: { $0.key < $1.key }) { configuration[key] = .array(values) }
    return try Model(configuration: configuration, source: source)
  }

  /// Whether `entry` is a tied head's matrix and the head is among `parts`: it is then wanted, whatever is said of the
  /// embedding.
  public func isTiedHead(_ entry: WeightEntry, in parts: Set<ModelPart>) -> Bool {
    entry.part == .embeddings && parts.contains(.head) && !weights.entries.contains { $0.part == .head }
  }

  /// Keys that hold one value for each block in some transformers configuration: those of families that are read here,
  /// and others that a configuration may carry along.
  private static let perLayerKeys: Set<String> = [
    "attention_layers", "layer_types", "layers_block_type", "mlp_layer_types", "no_rope_layers", "sliding_window",
  ]
}
