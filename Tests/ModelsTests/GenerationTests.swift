import CPUBackend
import Checkpoints
import Files
import Models
import Programs
import TestSupport
import Testing

struct GenerationTests {
  /// The trained TinyStories model continues its golden prompt token by token (llama2.c's own output).
  @Test(.enabled(if: Shared.isAvailable, "needs the reference files in shared/"))
  func greedyStory() throws {
    let reference = try #require(
      JSON(contentsOf: Shared.path("goldens/llama2c-models.json"))["stories260K"])
    func ids(_ key: String) throws -> [Int32] {
      try #require(reference[key]?.array).map { Int32(try #require($0.integer)) }
    }
    let directory = Shared.path("data/weights/stories260K-hf")
    let model = try Model.load(directory: directory)
    let store = try ParameterStore.load(model, from: Checkpoint.open(directory), device: CPUDevice(threads: 2))
    var options = SamplingOptions()
    options.temperature = 0
    let prompt = try ids("prompt_ids")
    var streamed: [Int32] = []
    let new = try Generator(model, store: store).generate(prompt, maximumTokens: 65 - prompt.count, options: options) {
      streamed.append($0)
      return true
    }
    #expect(prompt + new == (try ids("greedy_ids_65")))
    #expect(streamed == new)
  }

  @Test func badPrompts() throws {
    let model = try Model(configuration: ConfigurationTests.gpt2, source: "test")
    let store = try ParameterStore(device: CPUDevice(threads: 1), parameters: model.parameters)
    let generator = Generator(model, store: store)
    for prompt in [[], [11], [-1], [Int32](repeating: 0, count: 17)] as [[Int32]] {
      #expect(throws: ModelError.self) {
        try generator.generate(prompt, maximumTokens: 1, options: SamplingOptions())
      }
    }
  }

  /// A full context ends the generation; a prompt of the whole context still gives one token.
  @Test func endsAtTheContext() throws {
    let model = try Model(configuration: ConfigurationTests.gpt2, source: "test")
    let store = try ParameterStore(device: CPUDevice(threads: 1), parameters: model.parameters)
    try store.initialize(seed: 3)
    let generator = Generator(model, store: store)
    let options = SamplingOptions()
    #expect(try generator.generate([1, 2, 3], maximumTokens: 1000, options: options).count == 14)
    let whole = [Int32](repeating: 1, count: 16)
    #expect(try generator.generate(whole, maximumTokens: 5, options: options).count == 1)
  }
}

struct SamplerTests {
  private let logits: [Float] = [0, 3, 1, 3, -2]

  private func draw(_ change: (inout SamplingOptions) -> Void) -> [Int32: Int] {
    var options = SamplingOptions()
    change(&options)
    var sampler = Sampler(options)
    var counts: [Int32: Int] = [:]
    for _ in 0..<4000 { counts[sampler.next(logits), default: 0] += 1 }
    return counts
  }

  @Test func greedyTakesTheFirstLargest() { #expect(draw { $0.temperature = 0 } == [1: 4000]) }

  @Test func frequenciesFollowTheSoftmax() {
    let counts = draw { $0.temperature = 1 }
    // exp(3), exp(1), exp(0), exp(−2) over their sum.
    #expect(abs(Double(counts[1, default: 0]) / 4000 - 0.4562) < 0.03)
    #expect(abs(Double(counts[2, default: 0]) / 4000 - 0.0617) < 0.015)
  }

  @Test func topK() { #expect(Set(draw { $0.topK = 2 }.keys) == [1, 3]) }
  @Test func topP() { #expect(Set(draw { $0.topP = 0.9 }.keys) == [1, 3]) }
  @Test func temperatureSharpens() { #expect(Set(draw { $0.temperature = 0.05 }.keys) == [1, 3]) }
  @Test func seedsRepeat() { #expect(draw { $0.seed = 5 } == draw { $0.seed = 5 }) }
}
