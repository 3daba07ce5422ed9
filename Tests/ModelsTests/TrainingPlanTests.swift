import Files
import Models
import Programs
import Testing

struct TrainingPlanTests {
  /// With `recompute: block` each further block keeps one tensor of the stream, [B·T, C], and nothing else.
  @Test(arguments: [ConfigurationTests.gpt2, ConfigurationTests.llama], [6, 20])
  func recomputedBlocksKeepOneTensor(configuration: JSONObject, layers: Int) throws {
    let model = try Model(configuration: configuration, source: "test")
    func activations(_ layers: Int) throws -> Int {
      let model = try model.selectingLayers([Int](repeating: 0, count: layers))
      return try TrainingPlan(model, rows: 2, length: 16, recompute: .block) { _ in ParameterGroup() }.memory
        .activations
    }
    #expect(try activations(2 * layers) - activations(layers) == layers * 2 * 16 * model.width * 4)
  }
}
