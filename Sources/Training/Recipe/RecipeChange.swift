import Files

/// A setting that differs between the recipe that a checkpoint was made with and the one that goes on from it.
public struct RecipeChange: Sendable, Equatable, CustomStringConvertible {
  /// As in the YAML file: `training.steps`.
  public let key: String
  /// The values as YAML; "the default" where the setting is absent.
  public let saved: String
  public let current: String

  public var description: String { "\(key): \(saved) → \(current)" }

  /// Settings that a run may change when it goes on: what is computed stays the same but for rounding, or (for the length
  /// of the run) was changed in order to change it. Moved training data is recognised by its contents.
  private static let harmless = [
    "model.tokenizer", "data.validation", "training.steps", "training.tokens", "training.epochs",
    "training.micro_batch_size", "training.recompute", "training.precision", "optimizer.moments", "validation.",
    "evaluation.", "checkpoints.", "output.",
  ]

  /// Every difference, in the order of the recipe.
  /// - Parameter checkpoint: for the message.
  /// - Throws: `TrainingError.recipeChanged` for the first that would make it another run.
  static func changes(
    from saved: TrainingRecipe, to current: TrainingRecipe, checkpoint: String
  ) throws(TrainingError) -> [RecipeChange] {
    let before = flattened(saved)
    let now = flattened(current)
    var changes: [RecipeChange] = []
    let keys = before.map(\.key) + now.map(\.key).filter { key in !before.contains { $0.key == key } }
    for key in keys {
      let old = before.first { $0.key == key }?.value
      let new = now.first { $0.key == key }?.value
      guard old != new else { continue }
      let change = RecipeChange(
        key: key, saved: old?.serialized() ?? "the default", current: new?.serialized() ?? "the default")
      guard change.isHarmless(current) else {
        throw .recipeChanged(checkpoint: checkpoint, key: key, saved: change.saved, current: change.current)
      }
      changes.append(change)
    }
    return changes
  }

  private func isHarmless(_ recipe: TrainingRecipe) -> Bool {
    if key.hasPrefix("data.train."), key.hasSuffix(".paths") { return true }
    // Beside `from` it only says which shape to plan with.
    if key.hasPrefix("model.config") { return recipe.model.from != nil }
    return RecipeChange.harmless.contains { key == $0 || ($0.hasSuffix(".") && key.hasPrefix($0)) }
  }

  /// One entry for each setting; lists of sections by position.
  private static func flattened(_ recipe: TrainingRecipe) -> [(key: String, value: JSON)] {
    var entries: [(key: String, value: JSON)] = []
    func add(_ key: String, _ value: JSON) {
      switch value {
      case .object(let object): for (name, nested) in object { add("\(key).\(name)", nested) }
      case .array(let elements) where elements.contains { $0.object != nil }:
        for (index, element) in elements.enumerated() { add("\(key).\(index)", element) }
      default: entries.append((key, value))
      }
    }
    for (section, settings) in recipe.settings { add(section, settings) }
    return entries
  }
}
