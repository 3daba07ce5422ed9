import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Bias gradients")
struct ColumnSumsTests {
  /// One block of rows and several, whole and not; more columns than one task sums.
  static let shapes = [(1, 1), (3, 70), (16, 5000), (17, 100), (103, 257), (70, 9001), (2000, 33)]

  static func sums(_ device: any Device, _ rows: Int, _ columns: Int) throws -> [Float] {
    let dy = try device.gappedTensor(rows, columns, gap: 3, seed: 1)
    let dBias = try device.randomTensor(1, columns, seed: 2)
    device.biasGradient(dBias, dy)
    return try device.floats(dBias)
  }

  @Test("are the sums of columns, added to what is there", arguments: shapes)
  func conformance(rows: Int, columns: Int) throws {
    try expectConformance("\(rows)×\(columns)") { device in try [Self.sums(device, rows, columns)] }
  }

  @Test("do not depend on the number of threads", arguments: shapes)
  func threads(rows: Int, columns: Int) throws {
    let results = try [1, 2, 3, 7].map { try Self.sums(try CPUDevice(threads: $0), rows, columns) }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
