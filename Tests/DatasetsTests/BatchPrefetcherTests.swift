import Files
import Glibc
import Testing

@testable import Datasets

struct BatchPrefetcherTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func loader(_ sampling: Sampling = .epochs, seed: UInt64 = 5) throws -> BatchLoader {
    let sources = try [(78, 0.3), (41, 0.7)].enumerated().map { index, part in
      TokenSource(
        name: "\(index)",
        files: [try TokenFile(directory.tokens("\(index).bin", 1000 * index..<1000 * index + part.0))], weight: part.1)
    }
    return try BatchLoader(sources: sources, sequenceLength: 4, sampling: sampling, seed: seed)
  }

  /// First inputs of the rows of the next batches.
  private func starts(_ batches: BatchPrefetcher, _ count: Int) throws -> [[Int32]] {
    try (0..<count).map { _ in
      let batch = try batches.next()
      #expect(batch.targetCount == batch.count * 4)
      return (0..<batch.count).map { row in
        #expect((0..<4).allSatisfy { batch.rows.targets[4 * row + $0] == batch.rows.tokens[4 * row] + Int32($0) + 1 })
        return batch.rows.tokens[4 * row]
      }
    }
  }

  @Test(arguments: Sampling.allCases) func batchesAreTheLoadersRows(sampling: Sampling) throws {
    let memory = BatchMemory(rows: 60, length: 4, documentStarts: false)
    try loader(sampling).next(rows: 60, memory.rows)
    let batches = try BatchPrefetcher(loader(sampling), globalBatch: 6)
    #expect(batches.tokensPerEpoch == (19 + 10) * 4)
    #expect(try starts(batches, 10).flatMap { $0 } == (0..<60).map { memory.rows.tokens[4 * $0] })
  }

  /// With any number of ranks, and when that number changes at any batch.
  @Test(arguments: Sampling.allCases) func shardsAreThePartsOfTheGlobalBatches(sampling: Sampling) throws {
    let expected = try starts(try BatchPrefetcher(loader(sampling), globalBatch: 12), 9)
    var state = try loader(sampling).state
    var found: [[Int32]] = []
    for (ranks, count) in [(1, 2), (3, 1), (2, 2), (12, 1), (4, 3)] {
      var parts: [[[Int32]]] = []
      var states: [LoaderState] = []
      for rank in 0..<ranks {
        let batches = try BatchPrefetcher(loader(sampling), globalBatch: 12, shard: Shard(rank: rank, of: ranks))
        try batches.restore(state)
        parts.append(try starts(batches, count))
        states.append(batches.state)
      }
      for batch in 0..<count { found.append(parts.flatMap { $0[batch] }) }
      // Of the global sequence: the same for every rank.
      #expect(states.allSatisfy { $0 == states[0] })
      state = states[0]
    }
    #expect(found == expected)
  }

  @Test func shardsThatThereAreNot() throws {
    for (rank, count, rows) in [(2, 2, 4), (-1, 2, 4), (0, 0, 4), (0, 3, 4), (0, 8, 4), (0, 1, 0)] {
      let shard = Shard(rank: rank, of: count)
      #expect(
        error { try BatchPrefetcher(loader(), globalBatch: rows, shard: shard) }
          == .invalidShard(rank: rank, count: count, globalBatch: rows))
    }
  }

  /// Batches that were filled ahead are not in the state.
  @Test func theStateIsThatOfTheBatchesHandedOut() throws {
    let plain = try loader()
    let batches = try BatchPrefetcher(loader(), globalBatch: 3)
    #expect(batches.state == plain.state)
    for _ in 0..<8 {
      plain.skip(rows: 3)
      _ = try batches.next()
      #expect(batches.state == plain.state)
    }
    let (state, rest) = (batches.state, try starts(batches, 6))
    for ahead in [0, 1, 4] {
      let other = try BatchPrefetcher(loader(), globalBatch: 3)
      _ = try starts(other, ahead)
      try other.restore(state)
      #expect(other.state == state)
      #expect(try starts(other, 6) == rest)
    }
  }

  @Test func aStateThatDoesNotFitChangesNothing() throws {
    let foreign = try loader(seed: 6).state
    let expected = try starts(BatchPrefetcher(loader(), globalBatch: 3), 9)
    let batches = try BatchPrefetcher(loader(), globalBatch: 3)
    var found = try starts(batches, 4)
    #expect(throws: DatasetError.self) { try batches.restore(foreign) }
    found += try starts(batches, 5)
    #expect(found == expected)
  }

  @Test func whatCannotBeReadIsThrown() throws {
    let path = try directory.tokens("a.bin", 0..<5000)
    let source = TokenSource(name: "a", files: [try TokenFile(path)])
    let batches = try BatchPrefetcher(
      BatchLoader(sources: [source], sequenceLength: 4, sampling: .epochs, seed: 1), globalBatch: 2)
    _ = try batches.next()
    let state = batches.state
    #expect(truncate(path, 0) == 0)
    // The next two batches may have been read before.
    #expect(throws: FileError.changed(path: path)) { for _ in 0..<4 { _ = try batches.next() } }
    #expect(throws: FileError.changed(path: path)) { _ = try batches.next() }
    // What could not be read was not handed out.
    #expect(batches.state.draws == state.draws && batches.state.sources[0].rows <= state.sources[0].rows + 4)
  }
}
