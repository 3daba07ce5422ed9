import Testing

@testable import Datasets

struct ValidationBatchesTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func source(_ counts: [Int]) throws -> TokenSource {
    var files: [TokenFile] = []
    for (index, count) in counts.enumerated() {
      files.append(try TokenFile(directory.tokens("\(index).bin", 1000 * index..<1000 * index + count)))
    }
    return TokenSource(name: "validation", files: files)
  }

  /// First inputs of the rows, and how many rows are data, by batch.
  private func starts(_ batches: ValidationBatches) throws -> [(rows: [Int32], filled: Int)] {
    let (B, T) = (batches.rows, batches.sequenceLength)
    let memory = BatchMemory(rows: B, length: T, documentStarts: false)
    return try (0..<batches.count).map { index in
      let filled = try batches.fill(index, memory.rows) / T
      let (tokens, targets) = (memory.rows.tokens, memory.rows.targets)
      for row in 0..<B {
        let start = tokens[row * T]
        for k in 0..<T {
          #expect(tokens[row * T + k] == (row < filled ? start + Int32(k) : 0))
          #expect(targets[row * T + k] == (row < filled ? start + Int32(k) + 1 : -1))
        }
      }
      return ((0..<B).map { tokens[$0 * T] }, filled)
    }
  }

  @Test func blocksComeInOrderAndTheLastBatchIsFilledUp() throws {
    let batches = try ValidationBatches(source: source([13, 10]), sequenceLength: 4, rows: 2)
    #expect(batches.count == 3)
    let found = try starts(batches)
    #expect(found.map(\.rows) == [[0, 4], [8, 1000], [1004, 0]])
    #expect(found.map(\.filled) == [2, 2, 1])
    #expect(try starts(batches).map(\.rows) == found.map(\.rows))
  }

  @Test func aLimitSpreadsOverTheData() throws {
    let all = try source([101])
    let batches = try ValidationBatches(source: all, sequenceLength: 1, rows: 5, limit: 2)
    #expect(batches.count == 2)
    #expect(try starts(batches).flatMap(\.rows) == (0..<10).map { $0 * 10 })
    let more = try ValidationBatches(source: all, sequenceLength: 10, rows: 3, limit: 100)
    #expect(more.count == 4)
    #expect(try starts(more).map(\.filled) == [3, 3, 3, 1])
    #expect(try ValidationBatches(source: all, sequenceLength: 10, rows: .max, limit: 3).count == 1)
  }

  @Test func errors() throws {
    let source = try source([5])
    #expect(error { try ValidationBatches(source: source, sequenceLength: 4, rows: 0) } == .invalidRowCount(0))
    #expect(throws: DatasetError.self) { try ValidationBatches(source: source, sequenceLength: 4, rows: 1, limit: 0) }
    #expect(
      error { try ValidationBatches(source: source, sequenceLength: 5, rows: 1) }
        == .sequenceLongerThanData(path: source.files[0].path, tokens: 5, sequenceLength: 5))
    #expect(
      error { try ValidationBatches(source: TokenSource(name: "x", files: []), sequenceLength: 5, rows: 1) }
        == .noSources)
  }
}
