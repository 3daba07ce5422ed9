import Files
import Foundation
import HDF5Fixtures
import Testing

@testable import Checkpoints

/// Files that libhdf5 makes, read without it.
@Suite(.enabled(if: canWriteHDF5, "needs libhdf5 (package hdf5-tools)"))
struct HDF5WriterTests {
  private struct Failure: Error {}

  /// A tensor of bytes that depend on their place and `seed`, NaNs and all.
  private func tensor(_ name: String, _ shape: [Int], _ type: ElementType = .float32, seed: Int = 1) -> TensorSource {
    TensorSource(name: name, type: type, shape: shape) { elements, bytes in
      for at in bytes.indices { bytes[at] = pattern(elements.lowerBound * type.size + at, seed) }
    }
  }

  private func pattern(_ place: Int, _ seed: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: (place &* 2_654_435_761 &+ seed) >> 7)
  }

  private func pattern(_ tensor: TensorDescription, seed: Int = 1) -> [UInt8] {
    (0..<tensor.byteCount).map { pattern($0, seed) }
  }

  @Test func everyTypeComesBack() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("new/model.h5")
    let types = ElementType.allCases
    let shapes = [[], [3], [2, 0, 5], [4, 1, 3], [1]]
    let tensors = types.flatMap { type in
      shapes.enumerated().map { tensor("\(type.torchName).\($0)", $1, type) }
    }
    let config = #"{"model_type": "gpt2", "text": "\#(String(repeating: "é", count: 50_000))"}"#
    try HDF5Writer.write(tensors, toFile: path, attributes: ["config": config, "source": "a\"b", "empty": ""])
    let file = try HDF5Checkpoint(path)
    #expect(file.tensors.count == types.count * shapes.count)
    for source in tensors {
      let tensor = source.description
      #expect(file.description(of: tensor.name) == tensor)
      #expect(try file.bytes(of: tensor.name) == pattern(tensor), "\(tensor.name)")
      if tensor.byteCount > 0 { #expect(try file.region(of: tensor.name).map { $0.range.lowerBound % 64 } == 0) }
    }
    #expect(file.metadata == ["config": config, "source": "a\"b", "empty": ""])
    #expect(file.settings["config"]?["model_type"]?.string == "gpt2")
    #expect(try directory.names() == ["new"])
  }

  /// So many that the group's list of names is a tree with inner nodes.
  @Test func manyTensors() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.h5")
    let names = (0..<700).map { "model.layers.\($0).mlp.weight" } + (0..<30).map { "a/b\($0 % 3)/\($0)" }
    try HDF5Writer.write(
      names.enumerated().map { tensor($1, [$0 % 50 + 1], seed: $0) }, toFile: path, attributes: [:])
    let file = try HDF5Checkpoint(path)
    #expect(Set(file.tensors.map(\.name)) == Set(names))
    for (number, name) in names.enumerated() {
      let description = TensorDescription(name: name, type: .float32, shape: [number % 50 + 1])
      #expect(file.description(of: name) == description)
      #expect(try file.bytes(of: name) == pattern(description, seed: number))
    }
  }

  @Test func largeTensorsAreCopied() throws {
    let directory = try TemporaryDirectory()
    let large = tensor("large", [1_500_001], .float32)
    try SafetensorsWriter.write([large, tensor("small", [3])], toFile: directory.file("source.safetensors"))
    let source = try Checkpoint.open(directory.file("source.safetensors"))
    let path = directory.file("model.h5")
    var reports: [Int] = []
    try HDF5Writer.write(
      [
        TensorSource(name: "s", copying: "small", of: source), TensorSource(name: "l", copying: "large", of: source),
        tensor("new", [2_000_003], .bfloat16),
      ], toFile: path, attributes: [:]
    ) { done, total in
      #expect(total == 4 * 1_500_004 + 2 * 2_000_003)
      reports.append(done)
    }
    #expect(reports == reports.sorted() && reports.last == 4 * 1_500_004 + 2 * 2_000_003)
    let file = try HDF5Checkpoint(path)
    #expect(try file.bytes(of: "l") == source.bytes(of: "large"))
    #expect(try file.bytes(of: "s") == source.bytes(of: "small"))
    #expect(try file.bytes(of: "new") == pattern(TensorDescription(name: "", type: .bfloat16, shape: [2_000_003])))
  }

  @Test func theSameTensorsMakeTheSameBytes() throws {
    let directory = try TemporaryDirectory()
    let tensors = (0..<20).map { tensor("t\($0)", [$0, 7], $0 % 2 == 0 ? .bfloat16 : .int64) }
    for name in ["one", "two"] {
      try HDF5Writer.write(
        tensors, toFile: directory.file(name), attributes: ["config": "{}", "b": "2", "a": "1"])
      // Times of whole seconds would differ.
      if name == "one" { Thread.sleep(forTimeInterval: 1.1) }
    }
    #expect(try directory.read("one") == directory.read("two"))
  }

  @Test func filesAreMadeAtTheSameTime() async throws {
    let directory = try TemporaryDirectory()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        let path = directory.file("\(number)")
        let tensors = (0..<50).map { tensor("t\($0)", [number + 1, 100]) }
        nonisolated(unsafe) let sources = tensors
        group.addTask { try HDF5Writer.write(sources, toFile: path, attributes: ["a": "b"]) }
      }
      try await group.waitForAll()
    }
    for number in 0..<8 {
      let file = try HDF5Checkpoint(directory.file("\(number)"))
      #expect(file.tensors.count == 50)
      for tensor in file.tensors { #expect(try file.bytes(of: tensor.name) == pattern(tensor)) }
    }
  }

  @Test func noTensorsAreAFileToo() throws {
    let directory = try TemporaryDirectory()
    try HDF5Writer.write([], toFile: directory.file("f"), attributes: [:])
    #expect(try HDF5Checkpoint(directory.file("f")).tensors.isEmpty)
  }

  @Test func aFailureLeavesEverythingAsItWas() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("f", "old")
    let failing = TensorSource(name: "f", type: .float32, shape: [2]) { _, _ in throw Failure() }
    #expect(throws: Failure.self) {
      try HDF5Writer.write([tensor("a", [2]), failing], toFile: path, attributes: [:])
    }
    #expect(throws: CheckpointError.duplicateTensor(path: path, tensor: "a")) {
      try HDF5Writer.write([tensor("a", [2]), tensor("a", [2])], toFile: path, attributes: [:])
    }
    func complaint(_ tensors: TensorSource...) -> String {
      message { try HDF5Writer.write(tensors, toFile: path, attributes: [:]) }
    }
    for name in ["", "/a", "a/", "a//b", "a/./b", ".", "a\0b"] {
      #expect(complaint(tensor(name, [2])).hasSuffix("a name that HDF5 does not have"))
    }
    #expect(
      complaint(tensor("a", [Int](repeating: 1, count: 33))).hasSuffix("33 dimensions, expected at most 32 in HDF5"))
    // A tensor and a group of one name.
    let clash = complaint(tensor("a", [2]), tensor("a/b", [2]))
    #expect(clash.hasPrefix("\(path): tensor 'a/b': cannot be written: libhdf5: "), "\(clash)")
    #expect(try directory.read("f") == Array("old".utf8))
    #expect(try directory.names() == ["f"])
  }
}
