import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite("Weights stored in two bytes")
struct StoredWeightTests {
  static let types = [DType.bfloat16, .float16]

  private static func precision(_ type: DType) -> Precision {
    Precision(compute: .float32, moments: .float32, weights: type)
  }

  /// Losses of a model, of which `rounded` are what its float32 store holds of the other's weights.
  @Test("give the losses of their float32 values", arguments: types, TestDevice.allCases)
  func losses(type: DType, device: TestDevice) throws {
    for body in [TestModel.gpt2(blocks: 2), TestModel.llama(blocks: 2), TestModel.parallelResidual(blocks: 1)] {
      let stored = try Fixture(device.make(), precision: Self.precision(type), isTrainable: { _ in false }, body)
      let widened = try Fixture(device.make(), isTrainable: { _ in false }, body)
      var changed = 0
      for parameter in stored.store.parameters {
        let values = try stored.store.read(0..<parameter.count, of: parameter.name)
        if try values != widened.store.read(0..<parameter.count, of: parameter.name) { changed += 1 }
        try values.withUnsafeBufferPointer { try widened.store.write($0, of: parameter.name, at: 0) }
      }
      #expect(changed > 3)
      #expect(try relativeDifference([Float(stored.loss())], [Float(widened.loss())]) < 1e-6)
    }
  }

  @Test("the report is what is allocated: half as much for matrices, float32 for the rest", arguments: types)
  func memory(type: DType) throws {
    let device = ReferenceDevice()
    var graph = Graph(precision: Self.precision(type))
    _ = try Fixture.emit(into: &graph, rows: 6, TestModel.gpt2(blocks: 2))
    let report = ProgramPlan(graph).memory(parameters: graph.parameters, precision: graph.precision) { _ in .frozen }
    let store = try ParameterStore(device: device, parameters: graph.parameters, precision: graph.precision)
    #expect(device.allocatedBytes == report.parameters)
    let bytes = graph.parameters.reduce(0) { bytes, parameter in
      let size = [.linear, .embedding].contains(parameter.role) ? 2 : 4
      return bytes + (parameter.count + 15) / 16 * 16 * size
    }
    #expect(report.parameters == bytes)
    let program = try Program(graph, store: store)
    #expect(program.memory == report)
    #expect(device.allocatedBytes == report.total)
    for parameter in graph.parameters {
      let isMatrix = [.linear, .embedding].contains(parameter.role)
      #expect(store.elementType(of: parameter.name) == (isMatrix ? type : .float32))
    }
  }

  @Test("elements are written as they are, and rounded", arguments: types)
  func elements(type: DType) throws {
    let parameter = Parameter(name: "w", rows: 6, columns: 10, role: .linear, initial: .zeros)
    let store = try ParameterStore(
      device: ReferenceDevice(), parameters: [parameter], precision: Self.precision(type))
    // Halfway between two numbers, the smallest one, and what is too large for float16.
    let values: [Float] = [1 + 0x1p-8, 1 + 0x1p-11, 0x1p-24, 0x1.4p-24, 70000, -65504, .infinity, -0.0, 1 / 3]
    try values.withUnsafeBufferPointer { try store.write($0, of: "w", at: 13) }
    let expected = values.map { type == .bfloat16 ? BFloat16.value(BFloat16.bits(of: $0)) : Float(Float16($0)) }
    #expect(try store.read(13..<22, of: "w").map(\.bitPattern) == expected.map(\.bitPattern))

    let bits: [UInt16] = [0x3C01, 0x8001, 0x7C00, 0x0400, 0x3F80]
    try bits.withUnsafeBytes { try store.writeElements($0, of: "w", at: 55) }
    let tensor = try #require(store.weight("w"))
    let all: [UInt16] = try store.device.read(tensor)
    #expect(Array(all[55...]) == bits)
    #expect(all[..<13].allSatisfy { $0 == 0 } && all[22..<55].allSatisfy { $0 == 0 })
  }

  @Test("masters have to be written too")
  func masters() throws {
    let parameter = Parameter(name: "w", rows: 2, columns: 2, role: .linear, initial: .zeros)
    func store(_ group: ParameterGroup) throws -> ParameterStore {
      try ParameterStore(device: ReferenceDevice(), parameters: [parameter], precision: .bfloat16) { _ in group }
    }
    #expect(try store(ParameterGroup()).elementType(of: "w") == nil)
    #expect(try store(.frozen).elementType(of: "w") == .bfloat16)
    #expect(try store(.frozen).elementType(of: "v") == nil)
  }

  @Test("only where the device multiplies by them")
  func unsupported() throws {
    let device = ReferenceDevice()
    #expect(throws: DeviceError.self) {
      try ParameterStore(
        device: device, parameters: [],
        precision: Precision(compute: .bfloat16, moments: .float32, weights: .float16))
    }
    let plain = DeviceInfo(name: "", threads: 1)
    let half = DeviceInfo(name: "", threads: 1, dtypes: [.float32, .bfloat16], weightTypes: [.float16])
    for mode in PrecisionMode.allCases where mode != .bfloat16 {
      #expect(mode.precision(on: plain, weights: .float16) == .float32)
    }
    #expect(PrecisionMode.float32.precision(on: half, weights: .float16) == Self.precision(.float16))
    #expect(PrecisionMode.float32.precision(on: half, weights: .bfloat16) == .float32)
    #expect(PrecisionMode.float32.precision(on: half) == .float32)
    #expect(PrecisionMode.auto.precision(on: half, weights: .float16) == .bfloat16)
  }

  @Test("positions have the type of the table; rows of either are float32")
  func positions() throws {
    var graph = Graph(precision: Self.precision(.bfloat16))
    let tokens = try graph.input("tokens", 4, 1, .int32)
    let table = try graph.parameter("table", 5, 8, role: .embedding, initial: .zeros)
    let positions = try graph.parameter("positions", 4, 8, role: .embedding, initial: .zeros)
    let wide = try graph.persistent("wide", 4, 8)
    let y = try graph.embedding(tokens, table: table, positions: positions, length: 4)
    #expect(graph.values[y.index].dtype == .float32)
    #expect(graph.values[try graph.gatherRows(positions, tokens).index].dtype == .float32)
    #expect(graph.values[try graph.gatherRows(y, tokens).index].dtype == .float32)
    #expect(throws: GraphError.self) {
      try graph.embedding(tokens, table: table, positions: wide, length: 4)
    }
    // Nothing else takes what is stored narrow.
    #expect(throws: GraphError.self) { try graph.add(y, positions) }
  }
}
