import Models
import Programs
import Testing

@testable import Training

@Suite struct OptimizerGroupsTests {
  private func groups(
    _ model: Model, _ change: (inout TrainingRecipe.OptimizerSection) -> Void = { _ in }
  ) throws -> [String: ParameterGroup] {
    var section = TrainingRecipe.OptimizerSection()
    change(&section)
    let groups = try OptimizerGroups(section, model: model)
    return Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, groups.group(of: $0)) })
  }

  @Test func matricesDecayAndVectorsDoNot() throws {
    let all = try groups(tinyModel(tinyGPT2))
    for (name, group) in all {
      let isMatrix = !name.hasSuffix(".bias") && !name.contains("ln_")
      #expect(group.weightDecay == (isMatrix ? 0.1 : 0), "\(name)")
    }
    #expect(all["transformer.wte.weight"]?.weightDecay == 0.1)
    let linear = try groups(tinyModel(tinyGPT2)) { $0.decay = .linear }
    #expect(linear["transformer.wte.weight"]?.weightDecay == 0 && linear["transformer.wpe.weight"]?.weightDecay == 0)
    #expect(linear["transformer.h.1.mlp.c_fc.weight"]?.weightDecay == 0.1)
  }

  @Test func laterExceptionsWinKeyByKey() throws {
    let all = try groups(tinyModel()) {
      $0.groups = [
        .init(patterns: ["model.layers.*"], learningRateMultiplier: 0.1, weightDecay: 0.5),
        .init(patterns: ["*.layers.1.*"], learningRateMultiplier: 2),
        .init(patterns: ["*norm*", "model.embed_tokens.weight"], isFrozen: true),
      ]
    }
    #expect(
      all["model.layers.0.mlp.down_proj.weight"] == ParameterGroup(weightDecay: 0.5, learningRateMultiplier: 0.1))
    #expect(all["model.layers.1.mlp.down_proj.weight"] == ParameterGroup(weightDecay: 0.5, learningRateMultiplier: 2))
    #expect(all["model.norm.weight"] == .frozen && all["model.embed_tokens.weight"] == .frozen)
    #expect(all["lm_head.weight"] == ParameterGroup(weightDecay: 0.1))
  }

  @Test func packedParametersAreTakenWhole() throws {
    let whole = try groups(tinyModel()) {
      $0.groups = [.init(patterns: ["*.0.self_attn.[qkv]_proj.weight"], learningRateMultiplier: 3)]
    }
    #expect(whole["model.layers.0.self_attn.qkv_proj.weight"]?.learningRateMultiplier == 3)
    let error = trainingError {
      try groups(tinyModel()) { $0.groups = [.init(patterns: ["*.k_proj.weight"], isFrozen: true)] }
    }
    #expect(
      error
        == .packedParameterSplit(
          pattern: "*.k_proj.weight", parameter: "model.layers.0.self_attn.k_proj.weight",
          others: ["model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.v_proj.weight"]))
  }

  @Test func patternsThatMatchNothingAreErrors() throws {
    let error = trainingError {
      try groups(tinyModel()) { $0.groups = [.init(patterns: ["model.layer.0.mlp.down_proj.weight"])] }
    }
    #expect(
      error?.description.contains("'model.layers.0.mlp.down_proj.weight'") == true, "\(String(describing: error))")
    #expect(
      trainingError { try groups(tinyModel()) { $0.groups = [.init(patterns: ["*"], isFrozen: true)] } }
        == .nothingTrained)
  }
}
