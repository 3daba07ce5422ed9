import CPUBackend
import DeviceChecks
import Files
import Models
import Programs
import Tensors
import TestSupport
import Testing

/// Training on rows that are packed from several documents which do not see each other.
struct DocumentMaskTests {
  final class Run {
    let model: Model
    let store: ParameterStore
    let device: CPUDevice

    init(_ configuration: JSONObject) throws {
      model = try Model(configuration: configuration, source: "test")
      device = try CPUDevice(threads: 2)
      store = try ParameterStore(device: device, parameters: model.parameters) { _ in ParameterGroup() }
      // Away from the small initial weights, where attention is nearly uniform.
      for (index, parameter) in store.parameters.enumerated() {
        let values = randomFloats(parameter.count, seed: UInt64(index), in: -0.5...0.5)
        try values.withUnsafeBufferPointer { try store.write($0, of: parameter.name, at: 0) }
      }
    }

    /// The losses of one row, and the gradients, which add up from call to call.
    func callAsFunction(
      _ tokens: [Int32], _ targets: [Int32], starts: [Int32]? = nil, recompute: Recompute = .none
    ) throws -> (losses: [Float], gradients: [Float]) {
      let program = try TrainingProgram(
        model, store: store, rows: 1, length: tokens.count, recompute: recompute, masksDocuments: starts != nil)
      device.write(tokens, to: program.tokens)
      device.write(targets, to: program.targets)
      if let starts { device.write(starts, to: try #require(program.documentStarts)) }
      try program.run()
      let gradients = try store.parameters.flatMap {
        try store.read(0..<$0.count, from: .gradients, of: $0.name)
      }
      return (try program.readLosses(), gradients)
    }
  }

  static let tokens: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 10]
  static let targets: [Int32] = [1, 4, 1, 5, 9, 2, 6, 0, 3, 5, 8, 9, 7, 9, 10, 2]
  /// Of documents of 7 and 9 tokens.
  static let starts = [Int32](repeating: 0, count: 7) + [Int32](repeating: 7, count: 9)

  /// Rotary positions are relative: those of the second document need not begin at 0.
  @Test(arguments: Recompute.allCases)
  func documentsAreWhatTheyAreAlone(recompute: Recompute) throws {
    let (tokens, targets) = (Self.tokens, Self.targets)
    let packed = try Run(ConfigurationTests.llama)(tokens, targets, starts: Self.starts, recompute: recompute)
    let alone = try Run(ConfigurationTests.llama)
    let first = try alone(Array(tokens[..<7]), Array(targets[..<7]), recompute: recompute)
    let second = try alone(Array(tokens[7...]), Array(targets[7...]), recompute: recompute)
    #expect(relativeDifference(packed.losses, first.losses + second.losses) < 2e-6)
    #expect(relativeDifference(packed.gradients, second.gradients) < 5e-6)
  }

  static let families: [String: JSONObject] = FamilyConfigurationTests.all.merging(["gpt2": ConfigurationTests.gpt2]) {
    keys, _ in keys
  }

  @Test("every family keeps documents apart", arguments: families.keys.sorted())
  func everyFamily(type: String) throws {
    var configuration = try #require(Self.families[type])
    configuration["model_type"] = .string(type)
    let run = try Run(configuration)
    var changed = Self.tokens
    changed[2] = 8
    func second(_ tokens: [Int32], _ starts: [Int32]?) throws -> ArraySlice<Float> {
      try run(tokens, Self.targets, starts: starts).losses[7...]
    }
    #expect(try second(changed, Self.starts) == second(Self.tokens, Self.starts))
    #expect(try second(changed, nil) != second(Self.tokens, nil))
  }

  /// An input that nobody wrote is zeros.
  @Test func oneDocumentIsNoMask() throws {
    let without = try Run(ConfigurationTests.llama)(Self.tokens, Self.targets)
    let with = try Run(ConfigurationTests.llama)(
      Self.tokens, Self.targets, starts: [Int32](repeating: 0, count: Self.tokens.count))
    #expect(with == without)
  }

  @Test func theInputIsThereOnlyWhenItIsAskedFor() throws {
    let run = try Run(ConfigurationTests.llama)
    func program(masksDocuments: Bool) throws -> TrainingProgram {
      try TrainingProgram(run.model, store: run.store, rows: 2, length: 16, masksDocuments: masksDocuments)
    }
    func plan(masksDocuments: Bool) throws -> MemoryReport {
      try TrainingPlan(
        run.model, rows: 2, length: 16, recompute: .none, masksDocuments: masksDocuments
      ) { _ in ParameterGroup() }.memory
    }
    #expect(try program(masksDocuments: false).documentStarts == nil)
    let starts = try #require(try program(masksDocuments: true).documentStarts)
    #expect((starts.rows, starts.columns, starts.dtype) == (32, 1, .int32))
    #expect(try plan(masksDocuments: true).persistent - plan(masksDocuments: false).persistent == starts.byteCount)
  }
}
