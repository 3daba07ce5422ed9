import Files
import Foundation
import Testing
import Tokenization

@testable import Datasets

/// A preparation that ends anywhere goes on as if it had not.
struct PreparationResumeTests {
  let directory: TemporaryDirectory
  let tokenizer: Tokenizer
  let inputs: [String]

  init() throws {
    directory = try TemporaryDirectory()
    tokenizer = try byteTokenizer(in: directory)
    inputs = try directory.writeCorpus(documents: 60)
  }

  private func preparation(
    _ output: String = "out", workers: Int = 2, _ change: (inout PreparationOptions) -> Void = { _ in }
  ) throws -> Preparation {
    var options = PreparationOptions()
    options.workers = workers
    options.validationFraction = 0.2
    options.checkpointInterval = 0
    change(&options)
    let preparation = try Preparation(
      inputs: inputs.map { directory.path + "/" + $0 }, tokenizer: tokenizer, output: directory.path + "/" + output,
      options: options)
    preparation.testing.batchBytes = 500
    return preparation
  }

  private func finish(_ preparation: Preparation) throws {
    guard case .finished = try preparation.run() else { throw InjectedFault() }
  }

  /// The files of a preparation that ran through.
  private func reference(_ change: (inout PreparationOptions) -> Void = { _ in }) throws -> [String: [UInt8]] {
    try finish(preparation("reference", change))
    return try directory.contents("reference")
  }

  /// Ends as if killed once so many of the places were passed at which a kill must do no harm.
  private func kill(after places: Int, _ output: String, _ change: (inout PreparationOptions) -> Void = { _ in })
    throws
  {
    let preparation = try preparation(output, change)
    preparation.testing.killPoints = KillPoints(after: places)
    #expect(throws: InjectedFault.self) { try preparation.run() }
  }

  /// Every way through a preparation, with pieces, tables and samples so small that each of their steps happens often.
  static let ways: [(name: String, change: @Sendable (inout PreparationOptions) -> Void)] = [
    ("plain", { _ in }),
    ("lengths", { $0.keepsDocumentLengths = true }),
    ("tail", { ($0.validationFraction, $0.keepsDocumentLengths) = (1e-9, true) }),
    ("bad lines", { $0.maximumBadLines = 100 }),
    ("deduplicated", { $0.deduplicates = true }),
    ("sampled", { $0.maximumTokens = 1500 }),
    ("sampled and deduplicated", { ($0.maximumTokens, $0.deduplicates) = (1500, true) }),
  ]

  /// The corpus with copies, bad lines and a long text that ends badly.
  private func writeHardInputs(badLines: Bool) throws -> [String] {
    let lines = try (0..<30).map { index in
      if badLines, index % 7 == 3 { return "{\"text\": \(index)}\n" }
      return try jsonLine(words(60 + 7 * (index % 5), seed: UInt64(index % 11)))
    }
    try directory.write("a.jsonl.zst", zstd(Array(lines.joined().utf8)))
    try directory.write("b.txt", words(3000, seed: 50))
    try directory.write("c.txt", Array(words(1500, seed: 51).utf8) + (badLines ? [0xFF] : []) + Array(" x y z".utf8))
    try directory.write("d.jsonl", lines.suffix(8).joined())
    return ["a.jsonl.zst", "b.txt", "c.txt", "d.jsonl"]
  }

  /// Killed at a place, and again a little later, until it is through.
  @Test(arguments: PreparationResumeTests.ways.indices)
  func killedAnywhere(way index: Int) throws {
    let way = PreparationResumeTests.ways[index]
    let names = try writeHardInputs(badLines: way.name == "bad lines")
    func hard(_ output: String, workers: Int) throws -> Preparation {
      var options = PreparationOptions()
      options.workers = workers
      options.validationFraction = 0.2
      options.checkpointInterval = 0
      way.change(&options)
      let preparation = try Preparation(
        inputs: names.map { directory.path + "/" + $0 }, tokenizer: tokenizer, output: directory.path + "/" + output,
        options: options)
      preparation.testing.batchBytes = 300
      preparation.testing.pieceBytes = 200
      preparation.testing.leastSlots = 4
      preparation.testing.leastSurplus = 100
      return preparation
    }
    try finish(hard("reference", workers: 2))
    let expected = try directory.contents("reference")
    var kills = 0
    for first in stride(from: 0, to: 1000, by: 23) {
      let output = "out-\(first)"
      var places = first
      var resumptions = 0
      while true {
        let preparation = try hard(output, workers: 1 + kills % 3)
        if preparation.isResumed { resumptions += 1 }
        preparation.testing.killPoints = KillPoints(after: places)
        do {
          try finish(preparation)
          break
        } catch is InjectedFault {
          kills += 1
          // A run that is killed before its first save gains nothing.
          places = 12 + (places + 5) % 40
        }
      }
      #expect(try directory.contents(output) == expected, "\(way.name), first killed at \(first)")
      if resumptions == 0 { break }
    }
    #expect(kills > 10)
  }

  @Test func stoppedOnRequest() throws {
    let expected = try reference()
    var reports = 0
    let outcome = try preparation().run { progress in
      reports += 1
      #expect(progress.bytesRead <= progress.bytesTotal && progress.tokens > 0)
      return reports == 3 ? .stop : .continue
    }
    guard case .stopped(let progress) = outcome else {
      Issue.record("not stopped")
      return
    }
    let resumed = try preparation()
    #expect(resumed.isResumed && resumed.progress == progress)
    try finish(resumed)
    #expect(try directory.contents("out") == expected)
  }

  /// What is described is finished: only the state is left to remove.
  @Test func killedAfterTheDescription() throws {
    let expected = try reference()
    var places = 0
    while true {
      let preparation = try preparation("out") { $0.replacesExisting = true }
      preparation.testing.killPoints = KillPoints(after: places)
      do {
        try finish(preparation)
        break
      } catch is InjectedFault { places += 1 }
      if try directory.names("out").contains("dataset.json") {
        #expect(try TokenDataset(directory.path + "/out").description?.tokens ?? 0 > 0)
        break
      }
      try FileManager.default.removeItem(atPath: directory.path + "/out")
    }
    try finish(preparation("out") { $0.replacesExisting = true })
    #expect(try directory.contents("out") == expected)
  }

  @Test func otherSettingsAreRefused() throws {
    try kill(after: 20, "out")
    let changes: [(String, (inout PreparationOptions) -> Void)] = [
      ("--text-key", { $0.textKey = "x" }), ("--document-delimiter", { $0.documentDelimiter = "x" }),
      ("--document-separator", { $0.separator = .none }), ("--validation-fraction", { $0.validationFraction = 0.3 }),
      ("--sample-seed", { $0.seed = 1 }), ("--max-tokens", { $0.maximumTokens = 5 }),
      ("--deduplicate", { $0.deduplicates = true }),
    ]
    for (name, change) in changes {
      guard case .unfinishedWithOtherSettings(_, let setting, _, _) = error(of: { try preparation("out", change) })
      else {
        Issue.record("another \(name) was accepted")
        continue
      }
      #expect(setting == name)
    }
    // What does not shape the result may change.
    try finish(preparation(workers: 3) { ($0.checkpointInterval, $0.maximumBadLines) = (100, 7) })
  }

  @Test func changedInputsAreRefused() throws {
    try kill(after: 20, "out")
    try directory.write(inputs[0], jsonLine("other"))
    guard case .unfinishedWithOtherSettings(_, "input", _, _) = error(of: { try preparation() }) else {
      Issue.record("a changed input was accepted")
      return
    }
    try finish(preparation { $0.replacesExisting = true })
    let expected = try reference()
    #expect(try directory.contents("out") == expected)
  }

  @Test func aDamagedStateIsAnError() throws {
    let expected = try reference()
    let state = "out/" + PreparationState.fileName
    func check(_ what: String, _ damage: () throws -> Void) throws {
      try kill(after: 20, "out") { $0.replacesExisting = true }
      try damage()
      guard case .damagedState = error(of: { try finish(preparation()) }) else {
        Issue.record("\(what) was accepted")
        return
      }
      try finish(preparation { $0.replacesExisting = true })
      #expect(try directory.contents("out") == expected, "\(what)")
    }
    try check("no JSON") { try directory.write(state, "{\"version\": 1") }
    try check("another version") { try directory.write(state, "{\"version\": 2}") }
    for (key, value) in [
      ("offset", JSON.integer(-1)), ("file", .integer(99)), ("train_tokens", .integer(.max)),
      ("offset", .integer(1 << 40)), ("phase", .string("x")), ("documents", .string("1")),
      ("sample_bins", .integer(0)), ("sample_shift", .integer(64)), ("document_bytes", .integer(-1)),
    ] {
      try check("\(key): \(value)") {
        var object = try #require(try json(directory.path + "/" + state).object)
        object[key] = value
        try directory.write(state, JSON.object(object).serialized())
      }
    }
    try check("a short token file") { try directory.write("out/train.bin.partial", [1, 2]) }
  }

  @Test func theOutputIsLocked() throws {
    let first = try preparation()
    #expect(error { try preparation() } == .outputBusy(path: directory.path + "/out"))
    try finish(first)
  }

  @Test func finishedOutputStaysUntilItsReplacementIsComplete() throws {
    try finish(preparation { $0.maximumTokens = 100 })
    let before = try TokenDataset(directory.path + "/out")
    try kill(after: 30, "out") { $0.replacesExisting = true }
    let still = try TokenDataset(directory.path + "/out")
    #expect(still.description == before.description)
    // Going on needs no second --force.
    try finish(preparation())
    #expect(try directory.contents("out") == reference())
  }
}
