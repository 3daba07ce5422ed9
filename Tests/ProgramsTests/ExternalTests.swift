import Tensors
import TestSupport
import Testing

@testable import Programs

/// Memory that programs share, and attention of trees, which reads it.
@Suite struct ExternalTests {
  private static let spec = AttentionSpec(length: 3, heads: 4, kvHeads: 2, headDimension: 4, scale: 0.5)
  private static let columns = 32

  /// Attention of rows, which are an input: against a cache of ten rows that it fills, of one sequence; or of a tree, that
  /// sees the beginning of that cache.
  private struct AttentionProgram {
    let program: Program
    let input: Value
    let spans: Value?
    let result: Value

    init(_ device: any Device, rows: Int, isTree: Bool, caches: [Tensor]) throws {
      var graph = Graph()
      input = try graph.input("qkv", rows, columns, .float32)
      result = try graph.persistent("y", rows, 16)
      let external = try ["keys", "values"].map { try graph.external($0, 10, 8, .float32) }
      let qkv = try graph.activation("packed", rows, columns)
      graph.emit(CopyOp(y: qkv, x: input))
      spans = isTree ? try graph.input("spans", rows, 4, .int32) : nil
      let y: Value
      if let spans {
        y = try graph.attentionTree(qkv, prefixKeys: external[0], prefixValues: external[1], spans: spans, spec)
      } else {
        var whole = spec
        whole.length = rows
        y = try graph.attentionCached(qkv, keys: external[0], values: external[1], capacity: 10, whole)
      }
      graph.emit(CopyOp(y: result, x: y))
      program = try Program(
        graph, store: ParameterStore(device: device, parameters: []),
        external: Array(zip(external, caches)).map { ($0, $1) })
    }

    func run(_ device: any Device, _ rows: [Float], spans places: [Int32] = []) throws -> [Float] {
      device.write(rows, to: program[input])
      if let spans { device.write(places, to: program[spans]) }
      try program.run()
      return try device.floats(program[result])
    }
  }

  /// A trunk of four rows into the cache; then two branches after it, of three and of two rows, at once.
  @Test(arguments: TestDevice.allCases)
  func treesContinueTheCacheOfAnotherProgram(device: TestDevice) throws {
    let device = try device.make()
    let trunk = randomFloats(4 * Self.columns, seed: 1)
    let branches = [3, 2].enumerated().map { randomFloats($1 * Self.columns, seed: UInt64(2 + $0)) }
    // Rows further apart than they are long.
    let caches = try (0..<2).map { _ in try device.tensor(10, 8, stride: 11) }

    let filling = try AttentionProgram(device, rows: 4, isTree: false, caches: caches)
    _ = try filling.run(device, trunk)
    let tree = try AttentionProgram(device, rows: 5, isTree: true, caches: caches)
    let spans: [[Int32]] = [[4, 0, 0, 0], [4, 0, 0, 0], [4, 0, 0, 0], [4, 0, 0, 3], [4, 0, 0, 3]]
    let found = try tree.run(device, branches[0] + branches[1], spans: spans.flatMap { $0 })

    var expected: [Float] = []
    for branch in branches {
      let rows = trunk + branch
      let own = try (0..<2).map { _ in try device.tensor(10, 8) }
      let whole = try AttentionProgram(device, rows: rows.count / Self.columns, isTree: false, caches: own)
      expected += try whole.run(device, rows)[(4 * 16)...]
    }
    #expect(maximumDifference(found, expected) < 1e-5)
  }

  @Test func externalMemoryIsNotTheProgramsOwn() throws {
    let device = ReferenceDevice()
    let caches = try (0..<2).map { _ in try device.tensor(10, 8) }
    let before = device.allocatedBytes
    let program = try AttentionProgram(device, rows: 4, isTree: false, caches: caches).program
    #expect(device.allocatedBytes - before == program.memory.total)
    // The rows, and what becomes of them.
    #expect(program.memory.persistent == 4 * (Self.columns + 16) * 4)
  }

  @Test func externalMemoryIsGivenAndFits() throws {
    let device = ReferenceDevice()
    var error = #expect(throws: GraphError.self) {
      try AttentionProgram(device, rows: 4, isTree: true, caches: [device.tensor(10, 8)])
    }
    #expect(error?.description == "no memory was given for 'values', which is external to the program")
    error = #expect(throws: GraphError.self) {
      try AttentionProgram(device, rows: 4, isTree: true, caches: [device.tensor(10, 8), device.tensor(9, 8)])
    }
    #expect(error?.description == "memory of 'values': expected 10 x 8 float32, found 9 x 8 float32")
  }

  @Test func treesHaveNoBackwardRule() throws {
    let error = #expect(throws: GraphError.self) {
      _ = try Fixture(ReferenceDevice()) { graph, inputs in
        let spans = try graph.input("spans", Fixture.rows, 4, .int32)
        return try graph.attentionTree(OpCase.rows(&graph, inputs, Self.columns), spans: spans, Self.spec)
      }
    }
    #expect(error?.description == "operation TreeAttentionOp has no backward rule")
  }
}
