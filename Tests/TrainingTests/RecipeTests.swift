import Files
import Foundation
import Testing

@testable import Training

@Suite struct RecipeTests {
  static let minimal = """
    model:
      config: {model_type: gpt2, n_layer: 2}
    data:
      train: tokens
    training:
      steps: 100
    """

  static func parse(_ text: String, _ overrides: [String] = []) throws -> TrainingRecipe {
    try TrainingRecipe(parsing: text, source: "recipe.yaml", overrides: overrides)
  }

  private func message(_ text: String, _ overrides: [String] = []) -> String {
    trainingError { try Self.parse(text, overrides) }.map(\.description) ?? "no error"
  }

  @Test func defaultsAreNanoGPTs() throws {
    let recipe = try Self.parse(Self.minimal)
    #expect(recipe.optimizer.beta1 == 0.9 && recipe.optimizer.beta2 == 0.95 && recipe.optimizer.epsilon == 1e-8)
    #expect(recipe.optimizer.weightDecay == 0.1 && recipe.optimizer.decay == .matrices)
    #expect(recipe.schedule.learningRate == 6e-4 && recipe.schedule.kind == .cosine)
    #expect(recipe.training.gradientClipping == 1 && recipe.training.seed == 1337)
    #expect(recipe.training.globalBatch == .sequences(480))
    #expect(recipe.validation.batches == 200)
    #expect(recipe.output.directory == "runs/run")
  }

  @Test func readsEverySetting() throws {
    let recipe = try Self.parse(
      """
      model: {from: a/b, layers: "0-3,5", config: shape.json, tokenizer: tok}
      data:
        train:
          - {paths: [one, two], weight: 2.5}
          - paths: three
        validation: [v1, v2]
        sequence_length: 64
        sampling: epochs
        document_masking: attention
        document_separator: {token: 50256, side: append}
      optimizer:
        beta1: 0.8
        beta2: 0.9
        epsilon: 1e-6
        weight_decay: 0.2
        decay: linear
        groups:
          - {pattern: "*.bias", weight_decay: 0.5}
          - {pattern: [a, b], learning_rate_multiplier: 0.1, frozen: false}
      schedule: {kind: wsd, learning_rate: 1e-3, minimum: 0, warmup_steps: 3, decay_steps: 10}
      training:
        tokens: 1.5B
        micro_batch_size: 2
        global_batch_tokens: 512
        precision: float32
        seed: 7
        gradient_clipping: 0
        recompute: block
      validation: {every: 50, batches: 3}
      evaluation: {every: 500, tasks: [piqa, "arc_*"], data: rows, limit: 100}
      checkpoints: {every: 10, keep: 5}
      output: {directory: out, log_every: 2}
      """)
    #expect(recipe.model == .init(from: "a/b", layers: "0-3,5", configuration: .file("shape.json"), tokenizer: "tok"))
    #expect(recipe.data.train == [.init(paths: ["one", "two"], weight: 2.5), .init(paths: ["three"])])
    #expect(recipe.data.validation == ["v1", "v2"] && recipe.data.sequenceLength == 64)
    #expect(recipe.data.sampling == .epochs && recipe.data.documentMasking == .attention)
    #expect(recipe.data.documentSeparator == .init(token: 50256, side: .append) && recipe.data.weights.isEmpty)
    #expect(recipe.optimizer.groups[0] == .init(patterns: ["*.bias"], weightDecay: 0.5))
    #expect(
      recipe.optimizer.groups[1] == .init(patterns: ["a", "b"], learningRateMultiplier: 0.1, isFrozen: false))
    #expect(recipe.schedule.minimum == 0 && recipe.schedule.decaySteps == 10 && recipe.schedule.kind == .wsd)
    #expect(recipe.training.duration == .tokens(1_500_000_000))
    #expect(recipe.training.globalBatch == .tokens(512) && recipe.training.recompute == .block)
    #expect(recipe.evaluation == .init(every: 500, tasks: ["piqa", "arc_*"], data: "rows", limit: 100))
    #expect(recipe.checkpoints.keep == 5 && recipe.output.logEvery == 2)
  }

  @Test func inlineConfigurationKeepsTypesAndOrder() throws {
    let recipe = try Self.parse(
      """
      model:
        config:
          model_type: llama
          rms_norm_eps: 1.0e-6
          hidden_size: 3200
          rope_scaling: {rope_type: llama3, factor: 8.0}
          tie_word_embeddings: false
          head_dim: null
          version: "4"
          architectures: [LlamaForCausalLM]
      data: {train: t}
      training: {steps: 1}
      """)
    guard case .inline(let object) = recipe.model.configuration else { return #expect(Bool(false)) as Void }
    #expect(
      JSON.object(object).serialized()
        == #"{"model_type": "llama", "rms_norm_eps": 1e-06, "hidden_size": 3200, "#
        + #""rope_scaling": {"rope_type": "llama3", "factor": 8.0}, "tie_word_embeddings": false, "head_dim": null, "#
        + #""version": "4", "architectures": ["LlamaForCausalLM"]}"#)
  }

  @Test func writtenYAMLReadsBackEqual() throws {
    var recipe = try Self.parse(Self.minimal)
    recipe.model = .init(
      from: "runs/a & b: #1 'x' \"y\" \u{7F}\u{1F600}é/latest", layers: "13",
      configuration: .inline([
        "model_type": .string("llama"), "eps": .number(1e-6), "true": .string("yes"), "n": .null,
        "nested": .object(["list": .array([.integer(1), .object(["k": .string("&v")])]), "empty": .object([:])]),
      ]), tokenizer: "~")
    recipe.data.train.append(.init(paths: ["*x", "- y", "1e5"], weight: 0.1))
    recipe.data.validation = ["null"]
    recipe.data.documentMasking = .loss
    recipe.data.documentSeparator = .init(token: 2, side: .prepend)
    recipe.optimizer.groups = [
      .init(patterns: ["*.bias"], weightDecay: 0),
      .init(patterns: ["a", "[0-3]"], learningRateMultiplier: 0.5, isFrozen: true),
    ]
    recipe.schedule.minimum = 1e-5
    recipe.schedule.warmupSteps = 7
    recipe.training.duration = .epochs(1.5)
    recipe.evaluation = .init(every: 3, tasks: ["piqa"], data: "rows")
    let text = recipe.yaml(comments: ["first"])
    #expect(text.hasPrefix("# first\nmodel:\n"))
    #expect(try Self.parse(text) == recipe)
    recipe.data.train = [.init(paths: ["mixture"])]
    recipe.data.weights = ["cc": 67, "a b": 0.5]
    #expect(try Self.parse(recipe.yaml()) == recipe)
  }

  @Test func unknownKeysNameTheNearest() {
    #expect(
      message(Self.minimal + "\n  micro_batchsize: 4")
        == "recipe.yaml:7: unknown key 'training.micro_batchsize'; did you mean 'micro_batch_size'?")
    #expect(
      message(Self.minimal + "\n  learning_rate: 4")
        == "recipe.yaml:7: unknown key 'training.learning_rate'; did you mean 'schedule.learning_rate'?")
    #expect(message(Self.minimal + "\noptimiser: {beta1: 0.5}").contains("did you mean 'optimizer'?"))
    #expect(message(Self.minimal + "\ncheckpoints: {zzzz: 1}").contains("known here are every, keep"))
    // The misspelling, not that `steps` is missing.
    #expect(
      message("model: {from: a}\ndata: {train: t}\ntraining: {stpes: 3}")
        == "recipe.yaml:3: unknown key 'training.stpes'; did you mean 'steps'?")
    #expect(message(Self.minimal, ["optimizer.groups=[{patern: x}]"]).contains("did you mean 'pattern'?"))
  }

  @Test(arguments: [
    ("training: {steps: ten}", "'training.steps': expected a whole number, 0 or more, found the text 'ten'"),
    ("training: {steps: [1]}", "found a list"), ("training: {steps: 1.5}", "found the number 1.5"),
    ("training: {steps: -1}", "expected a whole number, 0 or more"), ("training: {steps: '5'}", "found the text '5'"),
    ("schedule: {learning_rate: fast}", "'schedule.learning_rate': expected a number, found the text 'fast'"),
    ("schedule: {learning_rate: .inf}", "expected a number"), ("schedule: {learning_rate: 0x1p3}", "expected a number"),
    ("schedule: {kind: cosinus}", "expected one of cosine, linear, constant, wsd"),
    ("optimizer: {groups: [{pattern: x, frozen: yes}]}", "expected true or false, found the text 'yes'"),
    ("optimizer: {groups: 3}", "expected a section of keys, found the number 3"),
    ("data: 5", "'data': expected a section of keys, found the number 5"),
    ("data: {train: [a, b]}", "expected one path, or a list of sections with paths and weight"),
    ("data: {train: a, weights: 3}", "'data.weights': expected names with a number each, found the number 3"),
    ("data: {train: a, weights: {cc: much}}", "'data.weights.cc': expected a number, found the text 'much'"),
    ("data: {train: a, document_masking: all}", "expected one of none, loss, attention"),
    ("data: {train: a, document_separator: 3}", "expected a section of keys"),
    ("data: {train: a, document_separator: {token: 3, side: both}}", "expected one of append, prepend"),
    ("model: [1]", "expected a section of keys, found a list"),
  ])
  func wrongTypesSayWhatWasExpected(line: String, part: String) {
    let found = message(line)
    #expect(found.hasPrefix("recipe.yaml:1: ") && found.contains(part), "\(found)")
  }

  @Test(arguments: [
    ("optimizer.beta1=1", "'optimizer.beta1' is 1.0, expected a number from 0 to below 1"),
    ("schedule.learning_rate=0", "'schedule.learning_rate' is 0.0, expected a number above 0"),
    ("schedule.minimum=1", "'schedule.minimum' is 1.0, expected a number from 0 to schedule.learning_rate (0.0006)"),
    ("schedule.warmup_steps=100", "'schedule.warmup_steps' is 100, expected fewer than the steps of the run (100)"),
    ("training.micro_batch_size=7", "expected a divisor of the 480 sequences of the global batch"),
    ("training.micro_batch_size=0", "expected 1 or more"), ("training.steps=0", "expected 1 or more"),
    ("training.global_batch_size=99999999999999", "tokens at most"),
    ("data.train=[{paths: a, weight: 0}]", "'data.train.0.weight' is 0.0, expected a number above 0"),
    ("data.weights={cc: 0}", "'data.weights.cc' is 0.0, expected a number above 0"),
    ("data={train: [{paths: a}, {paths: b}], weights: {a: 1}}", "'data.weights' and 'data.train' do not go together"),
    ("data.document_separator={token: 4294967296, side: append}", "expected the id of a token"),
    ("data.document_separator={token: 1}", "'data.document_separator.side' is missing"),
    ("data.train=[{weight: 1}]", "'data.train.paths' is missing"), ("data.train=[]", "'data.train' is empty"),
    ("validation.batches=0", "'validation.batches' is 0, expected 1 or more"),
    ("evaluation={every: 5, tasks: [a]}", "'evaluation.data' is missing"), ("checkpoints.keep=0", "expected 1 or more"),
    ("training.seed=9223372036854775808", "expected a whole number"),
    ("model.layers=3", "'model.layers' and 'model.config' do not go together"),
    ("training.tokens=5", "'training.steps' and 'training.tokens' do not go together"),
    ("schedule={kind: constant, decay_steps: 3}", "do not go together: a constant rate does not decay"),
    ("training={steps: 5, global_batch_size: 3, global_batch_tokens: 3}", "do not go together"),
    ("model.config=", "'model.from' is missing"), ("data.train=null", "'data.train' is missing"),
    ("optimizer.weight_decay=1e300", "expected a number, 0 or more"),
  ])
  func rangesAreChecked(override: String, part: String) {
    let found = message(Self.minimal, [override])
    #expect(found.contains(part), "\(found)")
  }

  @Test func rangeErrorsNameTheLine() {
    #expect(
      message(Self.minimal + "\ncheckpoints:\n  every: 1\n  keep: 0").hasPrefix(
        "recipe.yaml:9: 'checkpoints.keep' is 0"))
    #expect(message(Self.minimal, ["checkpoints.keep=0"]).hasPrefix("--set checkpoints.keep: "))
  }

  @Test func overridesReplaceAndAdd() throws {
    let recipe = try Self.parse(
      Self.minimal,
      [
        "training.steps=200", "training.steps=300", "schedule.learning_rate=1e-3", "data.train=[{paths: a, weight: 3}]",
        "data.train.0.weight=4", "data.weights.cc=70", "output.directory=runs/a: b #c", "model.config.n_layer=5",
        "optimizer.groups=[{pattern: '*'}]",
        "optimizer.groups.0.pattern=*.bias",
      ])
    #expect(recipe.training.duration == .steps(300) && recipe.schedule.learningRate == 1e-3)
    #expect(recipe.data.train == [.init(paths: ["a"], weight: 4)] && recipe.data.weights == ["cc": 70])
    #expect(recipe.output.directory == "runs/a: b #c")
    #expect(recipe.optimizer.groups[0].patterns == ["*.bias"])
    #expect(recipe.model.configuration == .inline(["model_type": .string("gpt2"), "n_layer": .integer(5)]))
    #expect(message(Self.minimal, ["steps"]) == "--set steps: expected key.path=value")
    #expect(message(Self.minimal, ["a..b=1"]).hasPrefix("--set a..b=1: expected key.path=value"))
    #expect(message(Self.minimal, ["training.steps.x=1"]).contains("there is a single value above 'x'"))
    #expect(
      message(Self.minimal, ["training.stepz=1"])
        == "--set training.stepz: unknown key 'training.stepz'; did you mean 'steps'?")
    #expect(message(Self.minimal, ["optimizer.groups=[{"]).hasPrefix("--set optimizer.groups=[{: not YAML"))
  }
}
