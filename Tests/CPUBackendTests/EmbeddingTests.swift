import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Embedding")
struct EmbeddingTests {
  @Test("gathers rows, with and without positions")
  func gather() throws {
    for (rows, columns, vocabulary) in [(1, 1, 1), (6, 100, 11), (48, 257, 31), (96, 768, 50)] {
      for positioned in [false, true] {
        try expectConformance("\(rows)×\(columns)", tolerance: 1e-7) { device in
          let table = try device.gappedTensor(vocabulary, columns, gap: 2, seed: 1)
          let positions = try device.gappedTensor(rows + 4, columns, gap: 1, seed: 2)
          let indices = try device.integerTensor(randomIntegers(rows, seed: 3, in: 0..<Int32(vocabulary)))
          let y = try device.gappedTensor(rows, columns, gap: 3, seed: 4)
          device.scalars.pointee.position = 4
          device.gatherRows(
            y, indices: indices, table: table, positions: positioned ? positions : nil, length: max(rows / 3, 1),
            scale: 1)
          return try [device.memory(y)]
        }
      }
    }
  }

  @Test("adds gradients to the rows they came from")
  func backward() throws {
    for (rows, columns, vocabulary) in [(1, 1, 1), (6, 100, 3), (48, 257, 31), (96, 768, 7)] {
      try expectConformance("\(rows)×\(columns)") { device in
        let dTable = try device.gappedTensor(vocabulary, columns, gap: 2, seed: 1)
        let dPositions = try device.gappedTensor(rows, columns, gap: 1, seed: 2)
        let indices = try device.integerTensor(randomIntegers(rows, seed: 3, in: 0..<Int32(vocabulary)))
        let dy = try device.gappedTensor(rows, columns, gap: 3, seed: 4)
        let length = max(rows / 3, 1)
        device.gatherRowsBackward(
          dTable: dTable, dPositions: dPositions, dy: dy, indices: indices, length: length, scale: 1)
        device.gatherRowsBackward(dTable: dTable, dPositions: nil, dy: dy, indices: indices, length: length, scale: 1)
        device.gatherRowsBackward(
          dTable: nil, dPositions: dPositions, dy: dy, indices: indices, length: length, scale: 1)
        return try [device.memory(dTable), device.memory(dPositions)]
      }
    }
  }

  @Test("gradients do not depend on the number of threads")
  func threads() throws {
    let results = try [1, 2, 3, 7].map { threads in
      let device = try CPUDevice(threads: threads)
      let dTable = try device.tensor(13, 300)
      let indices = try device.integerTensor(randomIntegers(500, seed: 1, in: 0..<13))
      let dy = try device.randomTensor(500, 300, seed: 2)
      device.gatherRowsBackward(dTable: dTable, dPositions: nil, dy: dy, indices: indices, length: 500, scale: 1)
      return try [device.floats(dTable)]
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
