import Checkpoints
import Glibc
import Tensors

extension CheckpointReader {
  package func floats(_ name: String) throws -> [Float] {
    guard let description = description(of: name) else { throw CheckpointError.missingTensor(path: path, tensor: name) }
    var values = [Float](repeating: 0, count: description.elementCount)
    try values.withUnsafeMutableBufferPointer { try read(name, into: $0) }
    return values
  }

  /// Token ids, stored as int64: one array per row of the last axis.
  package func ids(_ name: String) throws -> [[Int32]] {
    guard let tensor = description(of: name), let length = tensor.shape.last, length > 0 else {
      throw CheckpointError.missingTensor(path: path, tensor: name)
    }
    var elements = [Int64](repeating: 0, count: tensor.elementCount)
    try elements.withUnsafeMutableBytes { try contents(of: name).copy(0..<tensor.elementCount, into: $0) }
    let all = elements.map { Int32($0) }
    return stride(from: 0, to: all.count, by: length).map { Array(all[$0..<$0 + length]) }
  }
}

/// Each token's successor; the last has none (−1, ignored).
package func nextTokens(_ rows: [[Int32]]) -> [Int32] { rows.flatMap { $0.dropFirst() + [-1] } }

extension Device {
  package func upload(_ ids: [Int32], to tensor: Tensor) { ids.withUnsafeBytes { upload($0, to: tensor) } }
}

/// Infinite when the counts differ; not a number when a value is none.
package func largestDifference(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { largest, pair in
    let difference = abs(Double(pair.0) - Double(pair.1))
    return difference <= largest ? largest : difference
  }
}

func logProbability(of index: Int, _ logits: [Float]) -> Double {
  let largest = Double(logits.max() ?? 0)
  return Double(logits[index]) - largest - log(logits.reduce(0) { $0 + exp(Double($1) - largest) })
}
