import CPUBackend
import Programs
import Testing

@testable import Models

struct InitializationTests {
  @Test func momentsAndSeeds() {
    let values = NormalNumbers(seed: 7, name: "a.weight").values(0..<100_001, deviation: 0.02)
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
    #expect(abs(mean) < 3e-4)
    #expect(abs(variance.squareRoot() / 0.02 - 1) < 0.01)
    #expect(values.allSatisfy { abs($0) < 0.02 * 6 })
    #expect(values == NormalNumbers(seed: 7, name: "a.weight").values(0..<100_001, deviation: 0.02))
    #expect(values != NormalNumbers(seed: 8, name: "a.weight").values(0..<100_001, deviation: 0.02))
    #expect(Array(values[501..<777]) == NormalNumbers(seed: 7, name: "a.weight").values(501..<777, deviation: 0.02))
    #expect(values != NormalNumbers(seed: 7, name: "b.weight").values(0..<100_001, deviation: 0.02))
  }

  /// Norms start at one, biases at zero, projections onto the stream smaller by √(2L) (nanoGPT).
  @Test func parameters() throws {
    var configuration = ConfigurationTests.gpt2
    configuration["n_embd"] = .integer(64)
    let model = try Model(configuration: configuration, source: "test")
    let store = try ParameterStore(device: CPUDevice(threads: 1), parameters: model.parameters)
    try store.initialize(seed: 1)
    func values(_ name: String) throws -> [Float] {
      let weight = try #require(store.weight(name))
      return Array(UnsafeBufferPointer(start: weight.address.floats, count: weight.count))
    }
    func deviation(_ name: String) throws -> Double {
      let values = try values(name)
      return (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
    }
    #expect(try values("transformer.h.1.ln_1.weight").allSatisfy { $0 == 1 })
    #expect(try values("transformer.h.1.attn.c_attn.bias").allSatisfy { $0 == 0 })
    #expect(abs(try deviation("transformer.h.0.mlp.c_fc.weight") / 0.02 - 1) < 0.05)
    #expect(abs(try deviation("transformer.h.0.mlp.c_proj.weight") / (0.02 / 6.0.squareRoot()) - 1) < 0.05)
  }
}
