import Foundation
import Testing

@testable import Datasets

struct BatchLoaderTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  /// Ids that tell the place: file `name` holds `start`, `start` + 1, ….
  private func source(_ name: String, from start: Int, count: Int, weight: Double = 1) throws -> TokenSource {
    TokenSource(
      name: name, files: [try TokenFile(directory.tokens(name + ".bin", start..<start + count))], weight: weight)
  }

  private func rows(_ loader: BatchLoader, _ count: Int) throws -> [[Int32]] {
    let T = loader.sequenceLength
    var tokens = [Int32](repeating: -7, count: count * T)
    var targets = tokens
    try tokens.withUnsafeMutableBufferPointer { tokens in
      try targets.withUnsafeMutableBufferPointer { targets in
        guard let first = tokens.baseAddress, let second = targets.baseAddress else { return }
        try loader.next(rows: count, BatchRows(tokens: first, targets: second))
      }
    }
    for row in 0..<count {
      // These sources count upwards, so the next token is one more.
      #expect((0..<T).allSatisfy { targets[row * T + $0] == tokens[row * T] + Int32($0) + 1 })
      #expect((0..<T).allSatisfy { tokens[row * T + $0] == tokens[row * T] + Int32($0) })
    }
    return (0..<count).map { Array(tokens[$0 * T..<($0 + 1) * T]) }
  }

  @Test func windowsReachEveryPosition() throws {
    let loader = try BatchLoader(
      sources: [source("a", from: 0, count: 12)], sequenceLength: 4, sampling: .windows, seed: 1)
    #expect(try Set(rows(loader, 500).map { $0[0] }) == Set(0..<8))
    #expect(loader.tokensDrawn == 2000)
    #expect(loader.tokensPerEpoch == 8)
    let smallest = try BatchLoader(
      sources: [source("b", from: 0, count: 2)], sequenceLength: 1, sampling: .windows, seed: 1)
    #expect(try rows(smallest, 3) == [[0], [0], [0]])
  }

  @Test(arguments: Sampling.allCases)
  func rowsDoNotDependOnTheBatchSize(sampling: Sampling) throws {
    func loader(seed: UInt64) throws -> BatchLoader {
      try BatchLoader(
        sources: [source("a", from: 0, count: 100), source("b", from: 1000, count: 77)], sequenceLength: 5,
        sampling: sampling, seed: seed)
    }
    let all = try rows(loader(seed: 3), 60)
    let other = try loader(seed: 3)
    #expect(try (0..<20).flatMap { _ in try rows(other, 3) } == all)
    #expect(try rows(loader(seed: 4), 60) != all)
  }

  @Test func everyBlockComesOnceAnEpoch() throws {
    // ⌊(42 − 1) / 4⌋ and ⌊(23 − 1) / 4⌋ blocks.
    let files = [
      try TokenFile(directory.tokens("a.bin", 0..<42)), try TokenFile(directory.tokens("b.bin", 1000..<1023)),
    ]
    let loader = try BatchLoader(
      sources: [TokenSource(name: "s", files: files)], sequenceLength: 4, sampling: .epochs, seed: 9)
    #expect(loader.tokensPerEpoch == 15 * 4)
    let blocks = Array(stride(from: Int32(0), to: 40, by: 4)) + Array(stride(from: Int32(1000), to: 1020, by: 4))
    var orders: [[Int32]] = []
    for _ in 0..<4 { orders.append(try rows(loader, 15).map { $0[0] }) }
    for order in orders { #expect(order.sorted() == blocks) }
    #expect(Set(orders).count == 4)
    #expect(loader.state.sources[0].epoch == 4 && loader.state.sources[0].position == 0)
  }

  @Test func sourcesComeByWeight() throws {
    let loader = try BatchLoader(
      sources: [
        source("a", from: 0, count: 50, weight: 3), source("b", from: 1000, count: 500, weight: 1),
        source("c", from: 2000, count: 20, weight: 4),
      ], sequenceLength: 8, sampling: .windows, seed: 11)
    var counts = [0, 0, 0]
    for row in try rows(loader, 8000) { counts[Int(row[0]) / 1000] += 1 }
    // Standard deviations are about 40; the seed is fixed.
    #expect(abs(counts[0] - 3000) < 160 && abs(counts[1] - 1000) < 160 && abs(counts[2] - 4000) < 160, "\(counts)")
    #expect(loader.state.sources.map(\.rows) == counts)
  }

  /// A state taken anywhere, through JSON and into a new loader, gives the batches that would have come.
  @Test(arguments: Sampling.allCases, [0, 1, 7, 18, 19, 20, 55])
  func aRestoredLoaderGoesOn(sampling: Sampling, drawn: Int) throws {
    func loader() throws -> BatchLoader {
      try BatchLoader(
        sources: [source("a", from: 0, count: 78, weight: 0.3), source("b", from: 1000, count: 41, weight: 0.7)],
        sequenceLength: 4, sampling: sampling, seed: 5)
    }
    let first = try loader()
    _ = try rows(first, drawn)
    let json = try JSONEncoder().encode(first.state)
    let expected = try (0..<10).map { _ in try rows(first, 3) }
    let second = try loader()
    _ = try rows(second, 2)
    try second.restore(try JSONDecoder().decode(LoaderState.self, from: json))
    #expect(try (0..<10).map { _ in try rows(second, 3) } == expected)
    #expect(second.state == first.state)
    #expect(second.tokensDrawn == (drawn + 30) * 4)
  }

  @Test(arguments: Sampling.allCases) func skippedRowsAreNotRead(sampling: Sampling) throws {
    func loader() throws -> BatchLoader {
      try BatchLoader(
        sources: [source("a", from: 0, count: 78, weight: 0.3), source("b", from: 1000, count: 41, weight: 0.7)],
        sequenceLength: 4, sampling: sampling, seed: 5)
    }
    let all = try rows(loader(), 40)
    let other = try loader()
    other.skip(rows: 25)
    #expect(try rows(other, 15) == all.suffix(15))
  }

  /// lit-gpt's last chunk may be shorter than a sequence.
  @Test(arguments: Sampling.allCases) func shortFilesAmongOthersAreLeftOut(sampling: Sampling) throws {
    let files = try [4, 20, 3, 9].enumerated().map { index, count in
      try TokenFile(directory.tokens("\(index).bin", 1000 * index..<1000 * index + count))
    }
    let loader = try BatchLoader(
      sources: [TokenSource(name: "s", files: files)], sequenceLength: 4, sampling: sampling, seed: 2)
    #expect(loader.tokensPerEpoch == (4 + 2) * 4)
    #expect(Set(try rows(loader, 200).map { $0[0] / 1000 }) == [1, 3])
    #expect(loader.state.sources[0].tokens == 36)
  }

  @Test func statesOfOtherDataAreRefused() throws {
    let sources = [try source("a", from: 0, count: 78), try source("b", from: 1000, count: 41)]
    func loader(
      _ sources: [TokenSource], length: Int = 4, sampling: Sampling = .epochs, seed: UInt64 = 5
    ) throws -> BatchLoader {
      try BatchLoader(sources: sources, sequenceLength: length, sampling: sampling, seed: seed)
    }
    let state = try loader(sources).state
    func what(_ other: BatchLoader) -> String? {
      guard case .stateMismatch(let what, _, _) = error(of: { try other.restore(state) }) else { return nil }
      return what
    }
    #expect(what(try loader(sources)) == nil)
    #expect(what(try loader(sources, length: 5)) == "the sequence length")
    #expect(what(try loader(sources, sampling: .windows)) == "the sampling")
    #expect(what(try loader(sources, seed: 6)) == "the seed")
    #expect(what(try loader([sources[0]])) == "the number of sources")
    #expect(what(try loader([sources[1], sources[0]])) == "the number of tokens in b")
  }

  @Test func statesThatNoRunReachesAreRefused() throws {
    let loader = try BatchLoader(
      sources: [source("a", from: 0, count: 78)], sequenceLength: 4, sampling: .epochs, seed: 5)
    _ = try rows(loader, 4)
    let good = loader.state
    let expected = try rows(loader, 5)
    try loader.restore(good)
    let changes: [(inout LoaderState.Source) -> Void] = [
      { $0.position = -1 }, { $0.position = 19 }, { $0.position = .max }, { $0.epoch = -1 }, { $0.epoch = .max },
      { $0.rows = -1 }, { $0.rows = .max }, { $0.rows = .max / 4 },
    ]
    for change in changes {
      var bad = good
      change(&bad.sources[0])
      #expect(throws: DatasetError.self) { try loader.restore(bad) }
    }
    // The loader is as it was.
    #expect(try rows(loader, 5) == expected)
  }

  @Test func whatCannotBeDrawnFromIsRefused() throws {
    let source = try source("a", from: 0, count: 5)
    func make(_ sources: [TokenSource], length: Int) -> DatasetError? {
      error { try BatchLoader(sources: sources, sequenceLength: length, sampling: .epochs, seed: 0) }
    }
    #expect(make([source], length: 4) == nil)
    #expect(
      make([source], length: 5)
        == .sequenceLongerThanData(path: source.files[0].path, tokens: 5, sequenceLength: 5))
    #expect(make([source], length: 0) == .invalidSequenceLength(0))
    #expect(make([source], length: .max) == .invalidSequenceLength(.max))
    #expect(make([], length: 1) == .noSources)
    #expect(make([TokenSource(name: "x", files: [])], length: 1) == .noSources)
    for weight in [0, -1, .infinity, .nan] as [Double] {
      guard case .invalidWeight("x", _) = make([TokenSource(name: "x", files: source.files, weight: weight)], length: 1)
      else {
        Issue.record("weight \(weight) was accepted")
        continue
      }
    }
  }
}
