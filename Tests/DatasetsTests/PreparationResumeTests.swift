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

  /// Documents of the corpus: the third file is one.
  private static let documents = 41

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
    preparation.batchBytes = 500
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

  /// Ends as if killed once `documents` were written.
  private func kill(after documents: Int, _ output: String, _ change: (inout PreparationOptions) -> Void = { _ in })
    throws
  {
    let preparation = try preparation(output, change)
    preparation.faultAfterDocuments = documents
    #expect(throws: InjectedFault.self) { try preparation.run() }
  }

  @Test func killedAtAnyDocument() throws {
    let expected = try reference()
    #expect(expected.count == 3)
    var resumptions = 0
    for documents in 0..<PreparationResumeTests.documents {
      let output = "out-\(documents)"
      try kill(after: documents, output)
      #expect(throws: DatasetError.self) { try TokenDataset(directory.path + "/" + output) }
      let resumed = try preparation(output, workers: 1 + documents % 3)
      #expect(resumed.progress.documents <= documents)
      #expect(resumed.isResumed == (resumed.progress.documents > 0))
      if resumed.isResumed { resumptions += 1 }
      try finish(resumed)
      #expect(try directory.contents(output) == expected, "killed after \(documents)")
    }
    #expect(resumptions > PreparationResumeTests.documents / 2)
  }

  @Test func killedAgainAndAgain() throws {
    let expected = try reference { $0.maximumTokens = 6000 }
    var kills = 0
    // A run that is killed before its first save gains nothing; five documents are more than a batch.
    for documents in stride(from: 5, to: 100, by: 5) {
      let preparation = try preparation { $0.maximumTokens = 6000 }
      preparation.faultAfterDocuments = documents
      do {
        try finish(preparation)
        break
      } catch is InjectedFault { kills += 1 }
    }
    #expect(kills > 3)
    #expect(try directory.contents("out") == expected)
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

  /// The commit cuts, renames, describes and forgets the state; a kill between any two of these is made by hand.
  @Test(arguments: ["out", "tail"], 0..<5)
  func killedInTheCommit(kind: String, steps: Int) throws {
    func change(_ options: inout PreparationOptions) {
      // With so few documents none may be chosen: the tail is cut off the training data.
      if kind == "tail" { options.validationFraction = 1e-9 }
    }
    let expected = try reference(change)
    let description = try DatasetDescription(path: directory.path + "/reference/dataset.json")
    #expect(description.validationRule == (kind == "tail" ? .tail : .documents))
    try kill(after: 20, kind, change)
    let output = directory.path + "/" + kind
    var state = try #require(try PreparationState.load(output + "/" + PreparationState.fileName))
    state.phase = .committing
    state.validationRule = description.validationRule
    (state.trainTokens, state.trainDocuments) = (description.train.tokens, description.train.documents)
    let validation = try #require(description.validation)
    (state.validationTokens, state.validationDocuments) = (validation.tokens, validation.documents)
    (state.documents, state.emptyDocuments) = (description.documents, description.emptyDocuments)
    state.textBytes = description.textBytes
    try state.save(output + "/" + PreparationState.fileName)
    let (train, held) = (try #require(expected["train.bin"]), try #require(expected["validation.bin"]))
    try directory.write(kind + "/train.bin.partial", kind == "tail" ? train + held : train)
    try directory.write(kind + "/validation.bin.partial", held)

    let files = FileManager.default
    if steps > 0 {
      try directory.write(kind + "/train.bin.partial", train)
      try files.moveItem(atPath: output + "/train.bin.partial", toPath: output + "/train.bin")
    }
    if steps > 1 { try files.moveItem(atPath: output + "/validation.bin.partial", toPath: output + "/validation.bin") }
    if steps > 2 { try directory.write(kind + "/dataset.json", try #require(expected["dataset.json"])) }
    if steps > 3 { try files.removeItem(atPath: output + "/" + PreparationState.fileName) }
    if steps < 4 {
      let resumed = try preparation(kind, change)
      #expect(resumed.isResumed)
      try finish(resumed)
    } else {
      #expect(error { try preparation(kind, change) } == .outputExists(path: output + "/dataset.json"))
    }
    #expect(try directory.contents(kind) == expected)
  }

  @Test func otherSettingsAreRefused() throws {
    try kill(after: 20, "out")
    let changes: [(String, (inout PreparationOptions) -> Void)] = [
      ("--text-key", { $0.textKey = "x" }), ("--document-delimiter", { $0.documentDelimiter = "x" }),
      ("--document-separator", { $0.separator = .none }), ("--validation-fraction", { $0.validationFraction = 0.3 }),
      ("--sample-seed", { $0.seed = 1 }), ("--max-tokens", { $0.maximumTokens = 5 }),
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
    try finish(preparation(workers: 3) { $0.checkpointInterval = 100 })
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
