import CPUBackend
import Checkpoints
import Files
import Models
import Programs
import Tensors
import TestSupport
import Testing

/// A tiny random model with what PyTorch computed for it (`goldens/models`).
struct Golden: Sendable, CustomTestStringConvertible {
  static let all = ["gpt2", "gpt2-inheritune", "llama", "llama-gqa", "llama-hd100", "llama-rope3"].map(Golden.init)

  let name: String
  var testDescription: String { name }
  var directory: String { Shared.path("goldens/models/\(name)") }

  func model() throws -> Model { try Model.load(directory: directory) }
  func checkpoint() throws -> any CheckpointReader { try Checkpoint.open(directory) }
  func tensors() throws -> any CheckpointReader { try Checkpoint.open(directory + "/golden.safetensors") }
  func numbers() throws -> JSON { try JSON(contentsOf: directory + "/golden.json") }

  func store(on device: any Device, group: (Parameter) -> ParameterGroup = { _ in .frozen }) throws -> ParameterStore {
    try .load(model(), from: checkpoint(), device: device, group: group)
  }
}

extension CheckpointReader {
  func floats(_ name: String) throws -> [Float] {
    var values = [Float](repeating: 0, count: try #require(description(of: name)).elementCount)
    try values.withUnsafeMutableBufferPointer { try read(name, into: $0) }
    return values
  }

  /// Token ids, stored as int64: one array per row of the last axis.
  func ids(_ name: String) throws -> [[Int32]] {
    let tensor = try #require(description(of: name))
    let length = try #require(tensor.shape.last)
    let bytes = try bytes(of: name)
    let all = (0..<tensor.elementCount).map { Int32(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
    return stride(from: 0, to: all.count, by: length).map { Array(all[$0..<$0 + length]) }
  }
}

/// Each token's successor; the last has none (−1, ignored).
func nextTokens(_ rows: [[Int32]]) -> [Int32] { rows.flatMap { $0.dropFirst() + [-1] } }

extension Device {
  func upload(_ ids: [Int32], to tensor: Tensor) { ids.withUnsafeBytes { upload($0, to: tensor) } }
}

func largestDifference(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Float {
  zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
