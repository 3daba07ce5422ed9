import Tensors
import TestSupport

@testable import Programs

/// A small trainable computation: token ids [N, 1] → hidden rows → linear cross entropy, with random parameters.
final class Fixture {
  struct Inputs {
    var tokens: Value
    var targets: Value
    /// Documents of three tokens in one sequence of all.
    var documentStarts: Value
    var losses: Value
  }

  /// Turns the inputs into hidden rows, one for each target.
  typealias Body = (inout Graph, Inputs) throws -> Value

  /// The number of tokens and targets the graph works on.
  static let rows = 6
  static let vocabulary = 7

  let device: any Device
  let store: ParameterStore
  let forward: Graph
  let differentiated: Graph
  let inputs: Inputs
  let program: Program
  private let lossProgram: Program

  /// - Parameters:
  ///   - rows: number of tokens.
  ///   - body: emits everything below the head.
  init(
    _ device: any Device, rows: Int = Fixture.rows, precision: Precision = .float32, recompute: Recompute = .none,
    seed: UInt64 = 1, copiesSharedGradients: Bool = true, isTrainable: (String) -> Bool = { _ in true }, _ body: Body
  ) throws {
    self.device = device
    var graph = Graph(recompute: recompute, precision: precision)
    let inputs = try Self.emit(into: &graph, rows: rows, body)
    forward = graph
    self.inputs = inputs
    differentiated = try Backward.differentiate(
      graph, isTrainable: isTrainable, copiesSharedGradients: copiesSharedGradients)
    store = try ParameterStore(device: device, parameters: graph.parameters, precision: precision) {
      isTrainable($0.name) ? ParameterGroup() : .frozen
    }
    program = try Program(differentiated, store: store)
    lossProgram = try Program(forward, store: store)
    for parameter in graph.parameters {
      try Self.initialValues(of: parameter, seed: seed).withUnsafeBufferPointer {
        try store.write($0, of: parameter.name, at: 0)
      }
    }
    for program in [program, lossProgram] {
      device.write((0..<rows).map { Int32($0 / 3 * 3) }, to: program[inputs.documentStarts])
    }
    // Repeated tokens, and a target that is ignored.
    try write(
      tokens: (0..<rows).map { Int32($0 * $0 % Self.rows) },
      targets: (0..<rows).map { $0 % 5 == 2 ? -100 : Int32(($0 * 3 + 1) % Self.rows) })
  }

  /// The inputs, what `body` makes of them, and the head.
  static func emit(into graph: inout Graph, rows: Int, _ body: Body) throws -> Inputs {
    let inputs = Inputs(
      tokens: try graph.input("tokens", rows, 1, .int32), targets: try graph.input("targets", rows, 1, .int32),
      documentStarts: try graph.input("document starts", rows, 1, .int32),
      losses: try graph.persistent("losses", rows, 1))
    let hidden = try body(&graph, inputs)
    let head = try graph.parameter(
      "head", vocabulary, graph.shape(hidden).columns, role: .linear, initial: .normal(1))
    try graph.linearCrossEntropy(hidden, weight: head, targets: inputs.targets, losses: inputs.losses)
    return inputs
  }

  /// Away from zero, where ReLU has a kink, and large enough to matter; the same for the same name.
  static func initialValues(of parameter: Parameter, seed: UInt64) -> [Float] {
    let seed = parameter.name.utf8.reduce(seed) { $0 &* 1_000_003 &+ UInt64($1) }
    return randomFloats(parameter.count, seed: seed).map { value in
      let magnitude = 0.2 + 0.6 * abs(value)
      return value < 0 ? -magnitude : magnitude
    }
  }

  func write(tokens: [Int32], targets: [Int32]) throws {
    for program in [program, lossProgram] {
      device.write(tokens, to: program[inputs.tokens])
      device.write(targets, to: program[inputs.targets])
    }
  }

  // MARK: Running

  /// Σ losses · loss scale, by the program that has no backward pass.
  func loss() throws -> Double {
    try lossProgram.run()
    return try losses(of: lossProgram).reduce(0) { $0 + Double($1) } * Double(device.scalars.pointee.lossScale)
  }

  /// The losses of the training program's last run.
  func losses() throws -> [Float] { try losses(of: program) }

  /// A body may add losses of its own; they are what a fixture has in float32 results.
  private func losses(of program: Program) throws -> [Float] {
    try forward.values.indices.filter {
      forward.values[$0].storage == .persistent && forward.values[$0].dtype == .float32
    }.flatMap { try device.floats(program[Value(id: Int32($0))]) }
  }

  func zeroGradients() {
    for case let state? in store.groups.map(\.state) { device.fill(state.gradients, 0) }
  }

  /// Runs forward and backward from zero gradients.
  func gradients() throws -> [String: [Float]] {
    zeroGradients()
    try program.run()
    return try currentGradients()
  }

  func currentGradients() throws -> [String: [Float]] {
    var gradients: [String: [Float]] = [:]
    for parameter in store.parameters where store.isTrainable(parameter.name) {
      gradients[parameter.name] = try store.read(0..<parameter.count, from: .gradients, of: parameter.name)
    }
    return gradients
  }

  func weights() throws -> [String: [Float]] {
    var weights: [String: [Float]] = [:]
    for parameter in store.parameters {
      weights[parameter.name] = try store.read(0..<parameter.count, of: parameter.name)
    }
    return weights
  }

  /// Fills the activation arena with NaN: whatever is read before it is written shows.
  func poisonArena() {
    guard let base = store.arena.base else { return }
    device.fill(Tensor(address: base, rows: 1, columns: store.arena.size / 4), .nan)
  }

  // MARK: Finite differences

  /// Numeric gradient of `loss()` for every element of a parameter: five-point central differences.
  func numericGradient(of name: String, step: Float = 0.01) throws -> [Float] {
    guard let weight = store.weight(name) else { return [] }
    let original = try device.floats(weight)
    defer { device.write(original, to: weight) }
    return try original.indices.map { index in
      func lossAt(_ offset: Float) throws -> Double {
        var moved = original
        moved[index] += offset
        device.write(moved, to: weight)
        return try loss()
      }
      let near = try lossAt(step) - lossAt(-step)
      let far = try lossAt(2 * step) - lossAt(-2 * step)
      return Float((8 * near - far) / (12 * Double(step)))
    }
  }

  /// The largest error of any gradient against finite differences, relative to the largest entry of its tensor.
  func gradientError() throws -> (error: Double, parameter: String) {
    device.scalars.pointee.lossScale = 0.5
    let gradients = try gradients()
    var worst = (error: 0.0, parameter: "")
    for (name, gradient) in gradients.sorted(by: { $0.key < $1.key }) {
      let error = relativeDifference(gradient, try numericGradient(of: name))
      if error > worst.error { worst = (error, name) }
    }
    return worst
  }
}
