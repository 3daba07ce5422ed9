import CPUBackend
import Tensors
import TestSupport
import Testing

/// Runs `body` on the reference device, and on a CPU device for each number of threads and each BLAS, and requires that
/// each tensor it returns agrees: the largest difference over the reference's largest value is at most `tolerance`.
func expectConformance(
  _ what: String, threads: [Int] = [1, 2, 3], blas: [BLAS] = [.automatic], tolerance: Double = 1e-6,
  sourceLocation: SourceLocation = #_sourceLocation, _ body: (any Device) throws -> [[Float]]
) throws {
  let expected = try body(ReferenceDevice())
  for blas in blas {
    for threads in threads {
      let found = try body(try CPUDevice(threads: threads, blas: blas))
      let difference = zip(found, expected).map { relativeDifference($0, $1) }.max() ?? .infinity
      #expect(
        difference <= tolerance, "\(what), \(threads) threads, \(blas): \(difference)", sourceLocation: sourceLocation)
    }
  }
}

extension Device {
  /// All memory of a strided tensor, the gaps between its rows included: what a kernel must not have touched shows.
  func memory(_ tensor: Tensor) throws -> [Float] {
    try floats(Tensor(address: tensor.address, rows: tensor.rows, columns: tensor.stride))
  }

  /// A random tensor whose gaps between rows hold ½.
  func gappedTensor(
    _ rows: Int, _ columns: Int, gap: Int, seed: UInt64, in range: ClosedRange<Float> = -1...1
  ) throws -> Tensor {
    let whole = try tensor(
      rows, columns + gap, [Float](repeating: 0.5, count: rows * (columns + gap)))
    let view = Tensor(address: whole.address, rows: rows, columns: columns, stride: columns + gap)
    write(randomFloats(rows * columns, seed: seed, in: range), to: view)
    return view
  }
}
