import Files
import Foundation
import Testing

@testable import Checkpoints

struct SafetensorsWriterTests {
  private struct Failure: Error {}

  /// A tensor whose element i is start + i.
  private func counting(_ name: String, _ shape: [Int], from start: Float = 0, type: ElementType = .float32)
    -> TensorSource
  {
    TensorSource(name: name, type: type, shape: shape) { elements, bytes in
      let values = elements.map { start + Float($0) }
      values.withUnsafeBufferPointer { type.convert($0, into: bytes) }
    }
  }

  private func write(
    _ tensors: [TensorSource], to directory: TemporaryDirectory, maximumShardSize: Int = .max,
    metadata: [String: String] = ["format": "pt"]
  ) throws {
    try SafetensorsWriter.write(
      tensors, to: directory.path, maximumShardSize: maximumShardSize, metadata: metadata)
  }

  @Test func oneFile() throws {
    let directory = try TemporaryDirectory()
    try write(
      [counting("b", [2]), counting("a\"\n", [], from: 7), counting("none", [0, 3])], to: directory,
      metadata: ["format": "pt", "a": "é"])
    let header =
      #"{"__metadata__":{"a":"é","format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
      + #""a\"\n":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"#
      + #""none":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var length = UInt64(padded.utf8.count)
    let data = ElementType.float32.bytes(of: [0, 1, 7])
    #expect(
      try directory.read("model.safetensors") == withUnsafeBytes(of: &length) { Array($0) } + Array(padded.utf8) + data)
    #expect(try directory.names() == ["model.safetensors"])
  }

  /// Larger element types come first, in the order given otherwise.
  @Test func everyTensorIsAligned() throws {
    let directory = try TemporaryDirectory()
    try write(
      [
        counting("half", [3], type: .float16), counting("y", [2]), counting("wide", [1], type: .float64),
        counting("x", [2]),
        counting("brain", [3], type: .bfloat16),
      ], to: directory, metadata: [:])
    let checkpoint = try Checkpoint.open(directory.path)
    #expect(checkpoint.tensors.map(\.name) == ["wide", "y", "x", "half", "brain"])
    #expect(checkpoint.metadata.isEmpty)
    for tensor in checkpoint.tensors {
      #expect(try checkpoint.region(of: tensor.name).map { $0.range.lowerBound % tensor.type.size } == 0)
      #expect(try checkpoint.floats(tensor.name) == (0..<tensor.elementCount).map(Float.init))
    }
  }

  @Test func shards() throws {
    let directory = try TemporaryDirectory()
    // 8 bytes each but for the third, which has more than a file may have.
    let tensors = [counting("d", [2]), counting("c", [2]), counting("b", [10]), counting("a", [2]), counting("e", [2])]
    try write(tensors, to: directory, maximumShardSize: 16)
    let names = (1...3).map { "model-0000\($0)-of-00003.safetensors" }
    #expect(try directory.names() == names + ["model.safetensors.index.json"])
    let index = String(decoding: try directory.read("model.safetensors.index.json"), as: UTF8.self)
    #expect(
      index == """
        {
          "metadata": {
            "total_size": 72
          },
          "weight_map": {
            "a": "\(names[2])",
            "b": "\(names[1])",
            "c": "\(names[0])",
            "d": "\(names[0])",
            "e": "\(names[2])"
          }
        }

        """)
    let checkpoint = try Checkpoint.open(directory.path)
    #expect(checkpoint.tensors.map(\.name) == ["d", "c", "b", "a", "e"])
    #expect(checkpoint.metadata == ["format": "pt"])
    #expect(try checkpoint.floats("b") == (0..<10).map(Float.init))
  }

  @Test func largeTensorsAreMadeInPieces() throws {
    let directory = try TemporaryDirectory()
    let count = 3_000_001
    var pieces = 0
    let tensor = TensorSource(name: "t", type: .bfloat16, shape: [count]) { elements, bytes in
      pieces += 1
      #expect(bytes.count == elements.count * 2 && bytes.count <= 1 << 20)
      for (at, element) in elements.enumerated() {
        bytes.storeBytes(of: UInt16(truncatingIfNeeded: element), toByteOffset: 2 * at, as: UInt16.self)
      }
    }
    var reports: [Int] = []
    try SafetensorsWriter.write([tensor], to: directory.path, maximumShardSize: .max, metadata: [:]) { done, total in
      #expect(total == 2 * count)
      reports.append(done)
    }
    #expect(pieces == 6 && reports.count == 6 && reports.last == 2 * count)
    let checkpoint = try Checkpoint.open(directory.path)
    let bytes = try checkpoint.bytes(of: "t")
    for element in [0, 1, 65535, 2_097_151, 2_097_152, count - 1] {
      let found = UInt16(bytes[2 * element]) | UInt16(bytes[2 * element + 1]) << 8
      #expect(found == UInt16(truncatingIfNeeded: element))
    }
  }

  @Test func tensorsAreCopiedFromAnotherCheckpoint() throws {
    let source = try TemporaryDirectory()
    try write([counting("large", [1_000_003]), counting("small", [3], from: 9)], to: source)
    let checkpoint = try Checkpoint.open(source.path)
    let directory = try TemporaryDirectory()
    try write(
      [
        TensorSource(name: "s", copying: "small", of: checkpoint), counting("new", [1]),
        TensorSource(name: "l", copying: "large", of: checkpoint),
      ], to: directory)
    let copy = try Checkpoint.open(directory.path)
    #expect(copy.tensors.map(\.name) == ["s", "new", "l"])
    #expect(try copy.floats("s") == [9, 10, 11])
    #expect(try copy.bytes(of: "l").elementsEqual(checkpoint.bytes(of: "large")))
    #expect(throws: CheckpointError.missingTensor(path: checkpoint.path, tensor: "x")) {
      try TensorSource(name: "x", copying: "x", of: checkpoint)
    }
  }

  @Test func aFailureLeavesNoFile() throws {
    let directory = try TemporaryDirectory()
    let failing = TensorSource(name: "f", type: .float32, shape: [2]) { _, _ in throw Failure() }
    #expect(throws: Failure.self) { try write([counting("a", [2]), failing], to: directory) }
    #expect(throws: Failure.self) { try write([counting("a", [2]), failing], to: directory, maximumShardSize: 8) }
    #expect(try directory.names() == ["model-00001-of-00002.safetensors"])
    #expect(throws: CheckpointError.duplicateTensor(path: directory.path, tensor: "a")) {
      try write([counting("a", [2]), counting("a", [2])], to: directory)
    }
  }

  @Test func noTensorsAreAFileToo() throws {
    let directory = try TemporaryDirectory()
    try write([], to: directory)
    #expect(try Checkpoint.open(directory.path).tensors.isEmpty)
  }
}
