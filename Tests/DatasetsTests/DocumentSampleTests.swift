import Files
import Foundation
import Tensors
import Testing
import Tokenization

@testable import Datasets

/// Samples without replacement, against a sort of all keys.
struct DocumentSampleTests {
  let directory: TemporaryDirectory
  let tokenizer: Tokenizer

  init() throws {
    directory = try TemporaryDirectory()
    tokenizer = try byteTokenizer(in: directory)
  }

  private func prepare(
    _ inputs: [String], to output: String, leastSurplus: Int = 100, batchBytes: Int = 400,
    _ change: (inout PreparationOptions) -> Void
  ) throws -> DatasetDescription {
    var options = PreparationOptions()
    options.validationFraction = 0
    change(&options)
    let preparation = try Preparation(
      inputs: inputs.map { directory.path + "/" + $0 }, tokenizer: tokenizer, output: directory.path + "/" + output,
      options: options)
    preparation.testing.leastSurplus = leastSurplus
    preparation.testing.batchBytes = batchBytes
    guard case .finished(let description) = try preparation.run() else { throw InjectedFault() }
    return description
  }

  private func tokens(_ output: String, _ split: DatasetSplit = .train) throws -> [Int32] {
    let file = try TokenFile(directory.path + "/\(output)/\(split.rawValue).bin")
    return try file[0..<file.count]
  }

  /// The documents of smallest keys, in order; the one with the largest is cut.
  private func expected(_ texts: [(document: Int, text: String)], wanted: Int, seed: UInt64) -> [[Int32]] {
    let filter = DocumentFilter(keys: .number, seed: seed)
    let ids = texts.map { $0.text.utf8.map { Int32($0) } + [256] }
    var left = wanted
    var kept = [[Int32]?](repeating: nil, count: texts.count)
    for index in texts.indices.sorted(by: {
      filter.key(document: texts[$0].document) < filter.key(document: texts[$1].document)
    }) where left > 0 {
      kept[index] = Array(ids[index].prefix(left))
      left -= min(left, ids[index].count)
    }
    return kept.compactMap { $0 }
  }

  @Test(arguments: [1, 5, 100, 777, 5000, 100_000])
  func theSmallestKeysAreDrawn(wanted: Int) throws {
    let texts = (0..<400).map { words(5 + ($0 * 37) % 90, seed: UInt64($0)) }
    // An empty document has a number, a blank line has none.
    let lines = try texts.enumerated().map { index, text in
      try index % 50 == 7 ? jsonLine("") : index % 50 == 8 ? jsonLine(text) + "\n \n" : jsonLine(text)
    }
    try directory.write("a.jsonl", lines[..<200].joined())
    try directory.write("b.jsonl", lines[200...].joined())
    let kept = texts.enumerated().filter { $0.offset % 50 != 7 }.map { (document: $0.offset, text: $0.element) }
    let whole = expected(kept, wanted: wanted, seed: 2357)
    for (workers, batch) in [(1, 400), (3, 1000)] {
      let description = try prepare(["a.jsonl", "b.jsonl"], to: "out-\(workers)", batchBytes: batch) {
        $0.maximumTokens = wanted
        $0.workers = workers
      }
      #expect(try tokens("out-\(workers)") == Array(whole.joined()))
      #expect(description.documents == whole.count && description.tokens == min(wanted, description.tokens))
      #expect(description.isSampled == (wanted < 100_000))
      if description.isSampled { #expect(description.tokens == wanted) }
      #expect(try directory.names("out-\(workers)") == ["dataset.json", "train.bin"])
    }
    #expect(try directory.contents("out-1") == directory.contents("out-3"))
    let other = try prepare(["a.jsonl", "b.jsonl"], to: "other") { ($0.maximumTokens, $0.seed) = (wanted, 1) }
    #expect(try tokens("other") == Array(expected(kept, wanted: wanted, seed: 1).joined()))
    #expect(other.seed == 1)
  }

  @Test func bothSplitsTogetherHaveTheWantedTokens() throws {
    try directory.write("a.jsonl", (0..<300).map { try jsonLine("document \($0)") }.joined())
    let description = try prepare(["a.jsonl"], to: "out") {
      ($0.maximumTokens, $0.validationFraction, $0.keepsDocumentLengths) = (1777, 0.4, true)
    }
    #expect(description.tokens == 1777 && description.isSampled)
    let validation = try #require(description.validation)
    // Documents are drawn and split independently.
    #expect((450...1000).contains(validation.tokens))
    #expect(description.train.documents + validation.documents == description.documents)
    for (split, name) in [(DatasetSplit.train, "train"), (.validation, "validation")] {
      let lengths = try lengths("out/\(name).documents")
      #expect(try lengths.reduce(0, +) == tokens("out", split).count)
      #expect(lengths.count == (split == .train ? description.train : validation).documents)
    }
  }

  private func lengths(_ name: String) throws -> [Int] {
    let bytes = try directory.read(name)
    return stride(from: 0, to: bytes.count, by: 4).map { at in
      (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
  }

  /// A text that is longer than the sample is not read to its end.
  @Test func aLongTextIsCut() throws {
    try directory.write("a.txt", words(5000, seed: 1))
    let description = try prepare(["a.txt"], to: "out") { $0.maximumTokens = 50 }
    #expect(try tokens("out") == words(5000, seed: 1).utf8.prefix(50).map { Int32($0) })
    #expect(description.documents == 1 && description.isSampled)
  }

  @Test func theTailOfTheLengthsIsCutWithTheTokens() throws {
    try directory.write("a.jsonl", (0..<10).map { _ in try jsonLine("123456789") }.joined())
    for (fraction, train, validation) in [
      (0.001, [Int](repeating: 10, count: 9) + [9], [1]),
      (0.25, [Int](repeating: 10, count: 7) + [5], [5, 10, 10]), (0.2, [Int](repeating: 10, count: 8), [10, 10]),
    ] {
      let output = "out-\(fraction)"
      let seed = try unluckySeed(fraction)
      let description = try prepare(["a.jsonl"], to: output) {
        // A seed that chooses no document.
        ($0.validationFraction, $0.seed, $0.keepsDocumentLengths) = (fraction, seed, true)
      }
      #expect(description.validationRule == .tail)
      #expect(try lengths(output + "/train.documents") == train)
      #expect(try lengths(output + "/validation.documents") == validation)
      #expect(description.train.documentsFile == "train.documents")
      #expect(try DatasetDescription(path: directory.path + "/\(output)/dataset.json") == description)
    }
  }

  private func unluckySeed(_ fraction: Double) throws -> UInt64 {
    let choice = { ValidationChoice(fraction: fraction, seed: $0) }
    return try #require(
      (UInt64(0)..<10_000).first { seed in !(1..<10).contains { choice(seed).isChosen(document: $0) } })
  }

  // MARK: - Duplicates

  @Test func copiesAreLeftOut() throws {
    let texts = (0..<200).map { words(30 + $0 % 40, seed: UInt64($0 * $0 % 61)) }
    try directory.write("a.jsonl", texts.map(jsonLine).joined())
    try directory.write("b.txt", words(3000, seed: 77))
    // The same text as a line, and as a text that comes in pieces.
    try directory.write("c.jsonl", jsonLine(words(3000, seed: 77)) + jsonLine(texts[0]))
    var distinct: [String] = []
    for text in texts + [words(3000, seed: 77)] where !distinct.contains(text) { distinct.append(text) }
    func run(_ output: String, workers: Int, _ wanted: Int?) throws -> DatasetDescription {
      var options = PreparationOptions()
      (options.deduplicates, options.workers, options.validationFraction) = (true, workers, 0)
      options.maximumTokens = wanted
      let preparation = try Preparation(
        inputs: ["a.jsonl", "b.txt", "c.jsonl"].map { directory.path + "/" + $0 }, tokenizer: tokenizer,
        output: directory.path + "/" + output, options: options)
      (preparation.testing.batchBytes, preparation.testing.pieceBytes) = (500, 250)
      (preparation.testing.leastSlots, preparation.testing.leastSurplus) = (4, 100)
      guard case .finished(let description) = try preparation.run() else { throw InjectedFault() }
      return description
    }
    for workers in [1, 3] {
      let description = try run("out-\(workers)", workers: workers, nil)
      #expect(try tokens("out-\(workers)") == distinct.flatMap { $0.utf8.map { Int32($0) } + [256] })
      #expect(description.duplicateDocuments == 203 - distinct.count)
      #expect(try directory.names("out-\(workers)") == ["dataset.json", "train.bin"])
      let sampled = try run("sampled-\(workers)", workers: workers, 700)
      #expect(sampled.tokens == 700 && sampled.isSampled)
    }
    #expect(try directory.contents("sampled-1") == directory.contents("sampled-3"))
  }

  @Test func theSetForgetsWhatCameLater() throws {
    let path = directory.path + "/set"
    func hash(_ number: Int) -> TextHash { Array("\(number)".utf8).withUnsafeBufferPointer { TextHash(of: $0) } }
    var set = try DocumentSet(path, keeping: 0, leastSlots: 4)
    for number in 0..<500 { #expect(try set.insert(hash(number), document: number)) }
    for number in 0..<500 { #expect(try !set.insert(hash(number), document: 500 + number)) }
    #expect(set.count == 500)
    // As after a kill: the state of document 300.
    set = try DocumentSet(path, keeping: 300)
    for number in 300..<500 { #expect(try set.insert(hash(number), document: number)) }
    #expect(try !set.insert(hash(299), document: 500) && set.count == 500)
    try directory.write("set", [1, 2, 3])
    guard case .damagedState = error(of: { try DocumentSet(path, keeping: 3) }) else {
      Issue.record("a damaged table was accepted")
      return
    }
  }

  // MARK: - Parts

  /// The cut is found whatever the memory for sorting.
  @Test(arguments: [1, 3, 1000])
  func theCutNeedsLittleMemory(sorted: Int) throws {
    let output = try OutputDirectory(directory.path + "/cut")
    let files = try SampleFiles(output, generation: 0, storage: .uint16)
    var histogram = KeyHistogram()
    var entries: [(key: UInt64, tokens: Int)] = []
    for number in 0..<2000 {
      // Many keys in few bins.
      let key = SplitMix64.value(seed: 3, at: UInt64(number)) >> (number % 2 == 0 ? 0 : 30)
      entries.append((key, 1 + number % 5))
      try files.close(.init(key: key, tokens: 1 + number % 5, textBytes: 0, isForValidation: false))
      histogram.add(key, tokens: 1 + number % 5)
    }
    let total = entries.reduce(0) { $0 + $1.tokens }
    for wanted in [1, 500, 2999, 3001, total - 1] {
      let cut = try #require(try SampleCut(files, histogram, wanted: wanted, sortedEntries: sorted))
      var left = wanted
      for (number, entry) in entries.enumerated().sorted(by: { $0.element.key < $1.element.key }) where left > 0 {
        if entry.tokens >= left { #expect(cut.entry == number && cut.tokens == left && cut.key == entry.key) }
        left -= min(left, entry.tokens)
      }
    }
    #expect(try SampleCut(files, histogram, wanted: total, sortedEntries: sorted) == nil)
  }

  @Test func theHistogramNeverFallsBelowTheSample() {
    var histogram = KeyHistogram()
    var keys: [UInt64] = []
    for number in 0..<50_000 {
      let key = SplitMix64.value(seed: 9, at: UInt64(number))
      guard histogram.admits(key) else { continue }
      keys.append(key)
      histogram.add(key, tokens: 1)
      if histogram.lower(keeping: 100), histogram.bins < KeyHistogram.mostBins / 4 {
        let before = histogram.largestKey
        keys = keys.filter { histogram.admits($0) }
        histogram = histogram.refined
        for key in keys { histogram.add(key, tokens: 1) }
        #expect(histogram.largestKey == before && histogram.total == keys.count)
      }
    }
    let all = (0..<50_000).map { SplitMix64.value(seed: 9, at: UInt64($0)) }.sorted()
    #expect(histogram.admits(all[99]) && !histogram.admits(all[200]))
  }
}
