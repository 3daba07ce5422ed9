import Files
import Models
import Programs

/// Which parameters are trained, and how: the recipe's weight decay and its exceptions by tensor name, for one model.
public struct OptimizerGroups: Sendable {
  private let groups: [String: ParameterGroup]

  /// - Throws: `TrainingError` for a pattern that matches nothing, one that takes a part of a packed parameter (q, k
  ///   and v are
  ///   one matrix), and a recipe that freezes everything.
  public init(_ section: TrainingRecipe.OptimizerSection, model: Model) throws(TrainingError) {
    try OptimizerGroups.checkPatterns(section, model: model)
    var groups: [String: ParameterGroup] = [:]
    let fileNames = model.fileNames
    for parameter in model.parameters {
      let names = fileNames[parameter.name] ?? []
      var settings: [ParameterGroup] = []
      for name in names { settings.append(OptimizerGroups.group(of: name, parameter, section)) }
      for (name, setting) in zip(names, settings) where setting != settings[0] {
        let pattern = section.groups.flatMap(\.patterns).last {
          let pattern = Glob($0)
          return pattern.matches(name) != pattern.matches(names[0])
        }
        let odd = pattern.map { Glob($0).matches(name) } ?? true ? name : names[0]
        throw .packedParameterSplit(pattern: pattern ?? "", parameter: odd, others: names.filter { $0 != odd })
      }
      groups[parameter.name] = settings.first ?? OptimizerGroups.base(parameter, section)
    }
    guard groups.values.contains(where: { !$0.isFrozen }) else { throw .nothingTrained }
    self.groups = groups
  }

  /// The group of one of the model's parameters.
  public func group(of parameter: Parameter) -> ParameterGroup { groups[parameter.name] ?? .frozen }

  private static func checkPatterns(_ section: TrainingRecipe.OptimizerSection, model: Model) throws(TrainingError) {
    // Tensors that the model leaves out of itself (`.zeros`) have no parameter to be set.
    let names = model.weights.entries.filter { $0.parameter != nil }.map(\.name)
    for pattern in section.groups.flatMap(\.patterns) {
      let glob = Glob(pattern)
      guard names.contains(where: glob.matches) else {
        throw .patternMatchesNothing(pattern: pattern, example: NearestName.of(pattern, among: names) ?? names.last)
      }
    }
  }

  private static func group(
    of name: String, _ parameter: Parameter, _ section: TrainingRecipe.OptimizerSection
  ) -> ParameterGroup {
    var group = base(parameter, section)
    for exception in section.groups where exception.patterns.contains(where: { Glob($0).matches(name) }) {
      if let multiplier = exception.learningRateMultiplier { group.learningRateMultiplier = Float(multiplier) }
      if let weightDecay = exception.weightDecay { group.weightDecay = Float(weightDecay) }
      if let isFrozen = exception.isFrozen { group.isFrozen = isFrozen }
    }
    // All frozen parameters are one group, whatever else was said of them.
    return group.isFrozen ? .frozen : group
  }

  private static func base(
    _ parameter: Parameter, _ section: TrainingRecipe.OptimizerSection
  ) -> ParameterGroup {
    let decays =
      switch section.decay {
      case .matrices:
        (parameter.role == .linear || parameter.role == .embedding) && parameter.rows > 1 && parameter.columns > 1
      case .linear: parameter.role == .linear
      }
    return ParameterGroup(weightDecay: decays ? Float(section.weightDecay) : 0)
  }
}
