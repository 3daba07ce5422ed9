import Files
import Models
import Programs
import Tensors

/// What a run starts with: an architecture, its first weights, and the tokenizer that goes with them.
public struct StartingPoint {
  public let model: Model
  /// Put into every checkpoint; nil when there is none.
  public let tokenizerDirectory: String?
  /// Where the weights come from, for the checkpoints' inheritune.json.
  public let provenance: JSONObject
  /// Makes the first weights on a device; the function it is given says how each parameter is trained.
  public typealias MakeStore = (any Device, Precision, (Parameter) -> ParameterGroup) throws -> ParameterStore
  public let makeStore: MakeStore

  public init(
    model: Model, tokenizerDirectory: String?, provenance: JSONObject,
    makeStore: @escaping MakeStore
  ) {
    self.model = model
    self.tokenizerDirectory = tokenizerDirectory
    self.provenance = provenance
    self.makeStore = makeStore
  }

  /// Fresh weights, as `ParameterStore.initialize` draws them from `seed`.
  public static func fresh(_ model: Model, seed: UInt64, tokenizerDirectory: String? = nil) -> StartingPoint {
    StartingPoint(
      model: model, tokenizerDirectory: tokenizerDirectory,
      provenance: ["name": .null, "seed": .string(String(seed))]
    ) { device, precision, group in
      let store = try ParameterStore(
        device: device, parameters: model.parameters, precision: precision, group: group)
      try store.initialize(seed: seed)
      return store
    }
  }

  /// The weights of a pretrained model, all of them.
  public static func pretrained(_ source: ModelSource) -> StartingPoint {
    StartingPoint(
      model: source.model, tokenizerDirectory: source.tokenizerDirectory,
      provenance: ["name": .string(source.name), "layers": .integer(Int64(source.model.layerCount))]
    ) { device, precision, group in
      try ParameterStore.load(
        source.model, from: source.checkpoint, device: device, precision: precision, group: group)
    }
  }

  /// What a recipe's `model` section says.
  /// - Parameter inherit: makes the start with some blocks of a source, from the text of `model.layers`.
  /// - Throws: `TrainingError`, `ModelError`, `CheckpointError`, `FileError`, and what `inherit` throws.
  public init(
    _ recipe: TrainingRecipe, inherit: (_ source: ModelSource, _ layers: String) throws -> StartingPoint
  ) throws {
    let section = recipe.model
    if let tokenizer = section.tokenizer, !ModelSource.hasTokenizer(tokenizer) {
      throw TrainingError.invalidSetting(
        location: nil, key: "model.tokenizer", found: "'\(tokenizer)'",
        expected: "a directory with a tokenizer (tokenizer.json, tokenizer.model, or vocab.json and merges.txt)")
    }
    guard let from = section.from else {
      guard let model = try section.configuredModel() else {
        throw TrainingError.missingSetting(
          source: "recipe", key: "model.config", expected: "the shape of a fresh model, or model.from")
      }
      self = .fresh(model, seed: recipe.training.seed, tokenizerDirectory: section.tokenizer)
      return
    }
    let source = try ModelSource(from, tokenizer: section.tokenizer)
    try section.checkAgreement(with: source.model, of: from)
    self = try section.layers.map { try inherit(source, $0) } ?? .pretrained(source)
  }
}

extension TrainingRecipe.ModelSection {
  /// The model of `config`: a fresh one, or the shape of `from`; nil when the recipe has no `config`.
  /// - Throws: `ModelError`, `FileError`.
  public func configuredModel() throws -> Model? {
    switch configuration {
    case nil: nil
    case .file(let path): try Model.load(configurationFile: path)
    case .inline(let object): try Model(configuration: object, source: "model.config")
    }
  }

  /// Checks that `config`, where the recipe has it beside `from`, says of `from` what is true.
  /// - Throws: `TrainingError.configurationMismatch` for the first key that `from` has otherwise.
  public func checkAgreement(with model: Model, of source: String) throws {
    guard let configured = try configuredModel() else { return }
    for (key, expected) in configured.configuration {
      // What the file leaves out has a default that the recipe may spell out.
      guard let found = model.configuration[key], found != expected,
        found.double != expected.double || found.double == nil
      else { continue }
      throw TrainingError.configurationMismatch(
        source: source, key: key, expected: expected.serialized(), found: found.serialized())
    }
  }
}
