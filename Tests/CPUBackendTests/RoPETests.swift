import CPUBackend
import Tensors
import TestSupport
import Testing

@Suite("Rotary embedding")
struct RoPETests {
  @Test("rotates the leading heads of a row, both ways", arguments: [2, 10, 64, 100, 128])
  func rotation(headDimension: Int) throws {
    for (sequences, length, heads, position) in [(1, 1, 1, 0), (2, 5, 3, 0), (3, 17, 4, 6)] {
      for inverse in [false, true] {
        try expectConformance("length \(length), position \(position), inverse \(inverse)") { device in
          let table = try device.gappedTensor(length + position, headDimension, gap: 2, seed: 1)
          // One head more than is rotated: the values of a packed row.
          let x = try device.gappedTensor(sequences * length, (heads + 1) * headDimension, gap: 3, seed: 2)
          device.scalars.pointee.position = Int32(position)
          device.rope(
            x, table: table, RoPESpec(length: length, heads: heads, headDimension: headDimension), inverse: inverse)
          return try [device.memory(x)]
        }
      }
    }
  }
}
