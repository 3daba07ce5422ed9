import Inheritance
import Models
import Training

extension TrainingRecipe {
  /// The architecture that is trained, layers already selected: from `model.config` where the recipe has it, so that the
  /// weights need not be there, else from the weights of `model.from`.
  func plannedModel() throws -> Model {
    let reference: Model
    if let configured = try model.configuredModel() {
      reference = configured
    } else if let from = model.from {
      reference = try ModelSource(from, tokenizer: model.tokenizer).model
    } else {
      throw TrainingError.missingSetting(source: "recipe", key: "model.from", expected: "weights, or model.config")
    }
    guard let layers = model.layers else { return reference }
    return try reference.selectingLayers(LayerPlan(layers, layerCount: reference.layerCount).layers)
  }

  /// The weights that the run starts with.
  func startingPoint() throws -> StartingPoint {
    try StartingPoint(self) { source, layers in
      var options = SliceOptions(layers: try LayerPlan(layers, layerCount: source.model.layerCount))
      options.seed = training.seed
      let slice = try Slice(source, options: options)
      return StartingPoint(
        model: slice.model, tokenizerDirectory: source.tokenizerDirectory,
        provenance: try slice.sourceDescription(), makeStore: slice.makeStore)
    }
  }
}
