import Tensors
import TestSupport
import Testing

@testable import Programs

@Suite struct RandomGraphTests {
  static let graphs = (0..<100).map { RandomGraph(seed: UInt64($0)) }

  @Test(arguments: graphs)
  func plannedMemoryNeverOverlaps(_ random: RandomGraph) throws {
    for recompute in Recompute.allCases {
      var graph = Graph(recompute: recompute)
      _ = try Fixture.emit(into: &graph, rows: Fixture.rows, random.body)
      for graph in [graph, try Backward.differentiate(graph)] {
        let plan = ProgramPlan(graph)
        let lifetimes = Liveness.lifetimes(of: plan.ops, in: graph.values)
        let items = try plan.placements.map { value, offset in
          (offset: offset, size: graph.values[value].byteCount, lifetime: try #require(lifetimes[value]))
        }
        expectNoOverlap(items, arena: plan.arenaSize)
        #expect(firstUninitialisedRead(plan.ops, graph.values) == nil)
      }
    }
  }

  /// A value of the arena that an operation reads before any has written it.
  private func firstUninitialisedRead(_ ops: [any Op], _ values: [ValueInfo]) -> String? {
    var written: Set<Value> = []
    var found: String?
    for op in ops {
      op.forEachOperand { value, access in
        guard case .activation = values[value.index].storage else { return }
        if access != .write, !written.contains(value) { found = found ?? values[value.index].name }
      }
      op.forEachOperand { value, access in if access != .read { written.insert(value) } }
    }
    return found
  }

  /// Bit for bit, and whatever lay in the arena before.
  @Test(arguments: graphs)
  func sharedMemoryComputesWhatUnsharedMemoryDoes(_ random: RandomGraph) throws {
    let device = ReferenceDevice()
    let fixture = try Fixture(device, random.body)
    let unshared = try runUnshared(fixture, device)
    for recompute in Recompute.allCases {
      let planned = try Fixture(device, recompute: recompute, random.body)
      planned.poisonArena()
      #expect(try planned.gradients() == unshared.gradients, "recompute \(recompute)")
      #expect(try planned.losses() == unshared.losses, "recompute \(recompute)")
    }
  }

  /// Runs a fixture's training graph, dead code and all, with memory of its own for every value.
  private func runUnshared(
    _ fixture: Fixture, _ device: ReferenceDevice
  ) throws -> (gradients: [String: [Float]], losses: [Float]) {
    let graph = fixture.differentiated
    let table = UnsafeMutablePointer<Tensor>.allocate(capacity: graph.values.count)
    defer { table.deallocate() }
    for (index, info) in graph.values.enumerated() {
      (table + index).initialize(to: fixture.program[Value(id: Int32(index))])
      switch info.storage {
      case .activation, .workspace: table[index].address = try device.allocate(bytes: info.byteCount)
      case .persistent, .external, .constant, .parameter, .parameterGradient: break
      }
    }
    fixture.zeroGradients()
    for op in graph.ops { op.launch(on: device, Memory(table: table)) }
    return (try fixture.currentGradients(), try fixture.losses())
  }

  /// One random direction through all parameters at once.
  @Test(arguments: graphs)
  func directionalDerivativeAgreesWithFiniteDifferences(_ random: RandomGraph) throws {
    let fixture = try Fixture(ReferenceDevice(), random.body)
    let gradients = try fixture.gradients()
    let weights = try fixture.weights()
    var expected = 0.0
    var directions: [String: [Float]] = [:]
    for (index, name) in weights.keys.sorted().enumerated() {
      let direction = randomFloats(weights[name]?.count ?? 0, seed: random.seed &+ UInt64(index))
      directions[name] = direction
      expected += zip(direction, gradients[name] ?? []).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    func lossAt(_ offset: Float) throws -> Double {
      for (name, weight) in weights {
        let moved = zip(weight, directions[name] ?? []).map { $0 + offset * $1 }
        if let tensor = fixture.store.weight(name) { fixture.device.write(moved, to: tensor) }
      }
      return try fixture.loss()
    }
    // Sharp curvature wants small steps, rounding wants large ones: a right gradient agrees at one of them.
    let errors = try [5e-3, 1e-3, 2e-4].map { (step: Float) in
      let near = try lossAt(step) - lossAt(-step)
      let far = try lossAt(2 * step) - lossAt(-2 * step)
      return abs((8 * near - far) / (12 * Double(step)) - expected)
    }
    #expect((errors.min() ?? .infinity) < 1e-3 * max(abs(expected), 1))
  }
}
