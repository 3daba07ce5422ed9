import Testing

@testable import Programs

@Suite("Chunks of the output head")
struct HeadChunkTests {
  /// Rows in all, vocabulary, rows of a chunk.
  @Test(
    "are of nearly one size, within the memory for logits",
    arguments: [(1024, 50257, 256), (2048, 4096, 2048), (1030, 50257, 208), (100, 50257, 100), (1024, 1_000_000, 64)])
  func sizes(total: Int, vocabulary: Int, expected: Int) {
    let (rows, columns) = HeadChunk.shape(of: total, vocabulary: vocabulary, .float32, .float32)
    #expect(rows == expected && columns % 16 == 0 && columns >= vocabulary)
  }
}
