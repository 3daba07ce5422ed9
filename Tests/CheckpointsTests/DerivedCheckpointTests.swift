import Files
import Testing

@testable import Checkpoints

struct DerivedCheckpointTests {
  private let directory: TemporaryDirectory
  private let base: any CheckpointReader

  init() throws {
    directory = try TemporaryDirectory()
    let header = #"""
      {"__metadata__":{"made":"by hand"},"a":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]},
      "b":{"dtype":"U8","shape":[4,2],"data_offsets":[6,14]},"c":{"dtype":"F16","shape":[],"data_offsets":[14,16]}}
      """#
    base = try Checkpoint.open(directory.safetensors("model.safetensors", header, data: 16))
  }

  private func derived(
    _ source: String, _ shape: [Int], _ view: (StridedLayout) -> StridedLayout
  ) throws -> DerivedCheckpoint {
    try DerivedCheckpoint(
      base, tensors: [DerivedCheckpoint.Tensor(name: "x", shape: shape, of: source, in: base, view: view)])
  }

  @Test func renamed() throws {
    let renamed = try DerivedCheckpoint(base) { "model." + $0 }
    #expect(renamed.tensors.map(\.name) == ["model.a", "model.b", "model.c"])
    #expect(renamed.description(of: "model.b") == TensorDescription(name: "model.b", type: .uint8, shape: [4, 2]))
    #expect(renamed.description(of: "b") == nil)
    #expect(try renamed.bytes(of: "model.b") == Array(6..<14))
    #expect(try renamed.bytes(of: "model.c") == [14, 15])
    // Where the elements are one after the other they can be copied as a part of the file.
    #expect(try renamed.region(of: "model.b")?.range == base.region(of: "b")?.range)
    #expect(renamed.path == base.path && renamed.files == base.files && renamed.metadata == ["made": "by hand"])
    #expect(renamed.header(of: base.path)?.count == base.header(of: base.path)?.count)
    #expect(throws: CheckpointError.missingTensor(path: base.path, tensor: "b")) { try renamed.contents(of: "b") }
  }

  @Test func transposed() throws {
    let x = try derived("a", [3, 2]) { $0.permuting([1, 0]) }
    #expect(x.tensors == [TensorDescription(name: "x", type: .uint8, shape: [3, 2])])
    #expect(try x.bytes(of: "x") == [0, 3, 1, 4, 2, 5])
    #expect(try x.region(of: "x") == nil)
  }

  /// One row of each of two groups, seen as a matrix, and that renamed once more.
  @Test func rowsOfGroups() throws {
    let x = try derived("b", [2, 2]) { $0.splitting(axis: 0, into: [2, 2]).narrowing(axis: 1, to: 1..<2) }
    #expect(try x.bytes(of: "x") == [8, 9, 12, 13])
  }

  @Test func partsAndOtherShapes() throws {
    #expect(try derived("b", [2]) { $0.narrowing(axis: 0, to: 1..<2) }.bytes(of: "x") == [8, 9])
    #expect(try derived("b", [8]) { $0 }.bytes(of: "x") == Array(6..<14))
    #expect(try derived("c", [1, 1]) { $0 }.bytes(of: "x") == [14, 15])
  }

  /// A derived checkpoint is a base as any other, as long as its tensors can be seen in their shapes.
  @Test func derivedOnceMore() throws {
    let rows = try derived("b", [2, 2]) { $0.splitting(axis: 0, into: [2, 2]).narrowing(axis: 1, to: 1..<2) }
    let part = try derived("b", [2]) { $0.narrowing(axis: 0, to: 1..<2) }
    #expect(try DerivedCheckpoint(part) { $0 + "y" }.bytes(of: "xy") == [8, 9])
    #expect(
      throws: CheckpointError.malformedTensor(
        path: base.path, tensor: "x", reason: "its elements cannot be seen in another order")
    ) { try DerivedCheckpoint(rows) { $0 } }
  }

  @Test func refused() throws {
    #expect(throws: CheckpointError.missingTensor(path: base.path, tensor: "d")) { try derived("d", [1]) { $0 } }
    #expect(throws: CheckpointError.duplicateTensor(path: base.path, tensor: "same")) {
      try DerivedCheckpoint(base) { _ in "same" }
    }
  }
}
