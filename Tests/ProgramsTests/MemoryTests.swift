import Tensors
import TestSupport
import Testing

@testable import Programs

/// The memory report against what the device was asked for.
@Suite struct MemoryTests {
  @Test(arguments: Recompute.allCases)
  func reportIsWhatIsAllocated(recompute: Recompute) throws {
    let device = ReferenceDevice()
    var graph = Graph(recompute: recompute)
    let inputs = try Fixture.emit(into: &graph, rows: 12, TestModel.llama(blocks: 2))
    let training = try Backward.differentiate(graph, isTrainable: { $0 != "x" })
    let plan = ProgramPlan(training)
    let report = plan.memory(parameters: graph.parameters, precision: .float32) {
      $0.name == "x" ? .frozen : ParameterGroup()
    }

    let store = try ParameterStore(device: device, parameters: graph.parameters) {
      $0.name == "x" ? .frozen : ParameterGroup()
    }
    #expect(device.allocatedBytes == report.parameters + report.gradients + report.optimizer)
    let trained = try #require(store.groups.first { $0.state != nil }?.state)
    #expect(trained.gradients.byteCount == report.gradients)
    #expect(trained.m.byteCount + trained.v.byteCount == report.optimizer)

    let program = try Program(training, store: store)
    #expect(program.memory == report)
    #expect(device.allocatedBytes == report.total)
    #expect(store.arena.size == report.activations + report.workspace)
    // Tokens, targets, document starts, losses of 12 rows, and the rotary table [6, 4].
    let (column, rotary) = (12 * 4, 6 * 4 * 4)
    #expect(report.persistent == 4 * column + rotary)
    // Logits of all 12 rows, by 7 tokens, in rows of 16.
    #expect(report.workspace == 12 * 16 * 4)

    let allocations = device.allocations.count
    for _ in 0..<3 { try program.run() }
    #expect(device.allocations.count == allocations)
    #expect(try device.floats(program[inputs.losses]).allSatisfy(\.isFinite))
  }

  @Test func programsOfOneStoreShareAnArena() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, TestModel.gpt2(blocks: 2))
    let before = try fixture.gradients()
    let size = fixture.store.arena.size
    let allocated = device.allocatedBytes

    // A larger program makes the arena move; the smaller one goes on with new addresses.
    var graph = Graph()
    _ = try Fixture.emit(into: &graph, rows: 120, TestModel.gpt2(blocks: 2))
    let larger = try Program(try Backward.differentiate(graph), store: fixture.store)
    #expect(fixture.store.arena.size > size)
    #expect(larger.memory.activations + larger.memory.workspace == fixture.store.arena.size)
    #expect(
      device.allocatedBytes - allocated == fixture.store.arena.size - size + larger.memory.persistent,
      "the old arena is released")
    try larger.run()
    fixture.poisonArena()
    #expect(try fixture.gradients() == before)
  }

  @Test func outOfMemoryLeavesNothingBehind() throws {
    func build(_ device: ReferenceDevice) throws {
      let fixture = try Fixture(device, TestModel.gpt2(blocks: 1))
      let optimizer = try OptimizerProgram(store: fixture.store, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
      try optimizer.run()
    }
    let device = ReferenceDevice()
    var failures = 0
    for limit in 0..<100 {
      device.remainingAllocations = limit
      do {
        try build(device)
        break
      } catch let error as DeviceError {
        guard case .outOfMemory = error else { throw error }
        failures += 1
      }
      #expect(device.allocatedBytes == 0, "after \(limit) allocations")
    }
    // Weights, gradients, m, v; tokens, targets, document starts and losses of two programs; the arena; the norm.
    #expect(failures == 4 + 8 + 1 + 1)
    #expect(device.allocatedBytes == 0)
  }

  @Test func aFailedGrowthOfTheArenaDoesNotBreakOtherPrograms() throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, TestModel.gpt2(blocks: 2))
    let before = try fixture.gradients()
    var graph = Graph()
    _ = try Fixture.emit(into: &graph, rows: 120, TestModel.gpt2(blocks: 2))
    let larger = try Backward.differentiate(graph)
    device.remainingAllocations = 3
    #expect(throws: DeviceError.self) { try Program(larger, store: fixture.store) }
    device.remainingAllocations = nil
    #expect(try fixture.gradients() == before)
  }

  @Test func parametersLieByGroup() throws {
    let device = ReferenceDevice()
    let parameters = (0..<6).map {
      Parameter(name: "\($0)", rows: 3, columns: $0 + 1, role: $0 % 2 == 0 ? .linear : .bias, initial: .zeros)
    }
    let store = try ParameterStore(device: device, parameters: parameters) {
      ParameterGroup(weightDecay: $0.role == .linear ? 0.1 : 0, isFrozen: $0.name == "5")
    }
    #expect(store.groups.map(\.group.weightDecay) == [0.1, 0, 0])
    #expect(store.groups.map { $0.state == nil } == [false, false, true])
    #expect(store.parameterCount.total == 3 * 21)
    #expect(store.parameterCount.trainable == 3 * 15)
    #expect(!store.isTrainable("5"))
    for parameter in parameters {
      let weight = try #require(store.weight(parameter.name))
      #expect(Int(bitPattern: weight.address) % 64 == 0)
      let group = try #require(
        store.groups.first {
          let start = $0.parameters.address
          return weight.address >= start && weight.address < start + $0.parameters.byteCount
        })
      #expect(group.group.weightDecay == (parameter.role == .linear ? 0.1 : 0))
      #expect((group.state == nil) == (parameter.name == "5"))
      // A gradient lies where its weight does.
      if let state = group.state, let gradient = store.gradient(parameter.name) {
        #expect(gradient.address - state.gradients.address == weight.address - group.parameters.address)
      }
    }
  }
}
