import Files
import Foundation
import Tensors
import Testing
import Tokenization

@testable import Datasets

/// What text becomes.
struct PreparationTests {
  let directory: TemporaryDirectory
  let tokenizer: Tokenizer

  init() throws {
    directory = try TemporaryDirectory()
    tokenizer = try byteTokenizer(in: directory)
  }

  /// - Parameter inputs: names in the test's directory.
  @discardableResult
  private func prepare(
    _ inputs: [String], to output: String = "out", with tokenizer: Tokenizer? = nil,
    _ change: (inout PreparationOptions) -> Void = { _ in }
  ) throws -> DatasetDescription {
    var options = PreparationOptions()
    options.validationFraction = 0
    change(&options)
    return try directory.prepare(inputs, tokenizer: tokenizer ?? self.tokenizer, output: output, options: options)
  }

  private func train(_ output: String = "out") throws -> [Int32] {
    let file = try TokenFile(directory.path + "/" + output + "/train.bin")
    return try file[0..<file.count]
  }

  /// The message of a preparation that allows no bad line.
  private func badLine(_ failure: DatasetError) -> String {
    DatasetError.tooManyBadLines(count: 1, limit: 0, last: failure.description).description
  }

  private func ids(_ text: String) -> [Int32] { text.utf8.map { Int32($0) } }

  @Test func everyFormOfText() throws {
    try directory.write("1.txt", "plain é\n")
    try directory.write("2.txt.gz", gzip(Array("zipped".utf8)))
    try directory.write("3.jsonl", jsonLine("line 1") + jsonLine("line \"2\"\n"))
    try directory.write("4.jsonl.zst", zstd(Array((jsonLine("a") + "\r\n" + jsonLine("b").dropLast()).utf8)))
    let names = ["1.txt", "2.txt.gz", "3.jsonl", "4.jsonl.zst"]
    let description = try prepare(names)
    let texts = ["plain é\n", "zipped", "line 1", "line \"2\"\n", "a", "b"]
    #expect(try train() == texts.flatMap { ids($0) + [256] })
    #expect(try directory.names("out") == ["dataset.json", "train.bin"])
    #expect(description.documents == 6 && description.emptyDocuments == 0)
    #expect(description.textBytes == texts.reduce(0) { $0 + $1.utf8.count })
    #expect(description.train == .init(file: "train.bin", tokens: description.textBytes + 6, documents: 6))
    #expect(description.validation == nil && description.validationRule == .none)
    #expect(description.sources.map(\.path) == names.map { directory.path + "/" + $0 })
    #expect(description.vocabularySize == 257 && description.storage == .uint16 && description.separatorToken == 256)
    #expect(description.tokenizerHash == (try DatasetDescription.tokenizerHash(of: tokenizer.files)))
    #expect(try TokenDataset(directory.path + "/out").description == description)
  }

  @Test func separators() throws {
    let distinct = try byteTokenizer(in: directory, extra: 1, bos: "unused-0")
    try directory.write("a.jsonl", jsonLine("x") + jsonLine("y"))
    let expected: [(DocumentSeparator, [Int32], [Int32])] = [
      (.append, [120, 256, 121, 256], [120, 256, 121, 256]), (.prepend, [256, 120, 256, 121], [257, 120, 257, 121]),
      (.none, [120, 121], [120, 121]),
    ]
    for (separator, same, different) in expected {
      try prepare(["a.jsonl"], to: "same-\(separator)") { $0.separator = separator }
      #expect(try train("same-\(separator)") == same)
      try prepare(["a.jsonl"], to: "different-\(separator)", with: distinct) { $0.separator = separator }
      #expect(try train("different-\(separator)") == different)
    }
  }

  @Test func aDelimiterCutsTextIntoDocuments() throws {
    try directory.write("a.txt", "one\n<|end|>\ntwo\n\n<|end|>\r\nthree<|end|><|end|>\n  <|end|>\nfour\n")
    let description = try prepare(["a.txt"]) { $0.documentDelimiter = "<|end|>" }
    #expect(try train() == ["one", "two\n", "three", "four"].flatMap { ids($0) + [256] })
    #expect(description.documents == 4 && description.emptyDocuments == 2)
    try prepare(["a.txt"], to: "whole")
    #expect(try train("whole").filter { $0 == 256 }.count == 1)
  }

  /// Delimiters that straddle every edge of the reader's buffer.
  @Test func delimitersAreFoundAcrossReads() throws {
    let part = String(decoding: noise(70_000), as: UTF8.self)
    let texts = (0..<9).map { part.prefix(60_000 + 1000 * $0) + "<|en" }
    try directory.write("a.txt.gz", gzip(Array(texts.joined(separator: "<|end|>").utf8)))
    try prepare(["a.txt.gz"]) { $0.documentDelimiter = "<|end|>" }
    #expect(try train() == texts.flatMap { ids(String($0)) + [256] })
  }

  @Test func byteOrderMarksAndBlankTextAreLeftOut() throws {
    try directory.write("a.txt", [0xEF, 0xBB, 0xBF] + Array("x".utf8))
    try directory.write(
      "b.jsonl", [0xEF, 0xBB, 0xBF] + Array((jsonLine(" \n") + "\n" + jsonLine("y") + jsonLine("")).utf8))
    try directory.write("c.txt", " \n\t")
    let description = try prepare(["a.txt", "b.jsonl", "c.txt"])
    #expect(try train() == ids("x") + [256] + ids("y") + [256])
    #expect(description.documents == 2 && description.emptyDocuments == 3)
  }

  @Test func anotherTextKey() throws {
    try directory.write("a.jsonl", #"{"text": 1, "content": "c"}"#)
    #expect(try prepare(["a.jsonl"]) { $0.textKey = "content" }.textKey == "content")
    #expect(try train() == ids("c") + [256])
  }

  @Test func largeVocabulariesTakeFourBytes() throws {
    let large = try byteTokenizer(in: directory, extra: 65_536 - 256)
    try directory.write("a.txt", "ab")
    #expect(try prepare(["a.txt"], with: large).storage == .uint32)
    #expect(try directory.read("out/train.bin") == [97, 0, 0, 0, 98, 0, 0, 0, 0, 1, 0, 0])
    #expect(try train() == [97, 98, 256])
  }

  /// The bytes do not depend on the number of workers.
  @Test func workersDoNotMatter() throws {
    let names = try directory.writeCorpus(documents: 300)
    var outputs: [[String: [UInt8]]] = []
    for workers in [1, 4] {
      try prepare(names, to: "out-\(workers)") {
        $0.workers = workers
        $0.validationFraction = 0.1
      }
      outputs.append(try directory.contents("out-\(workers)"))
    }
    #expect(outputs[0].keys.sorted() == ["dataset.json", "train.bin", "validation.bin"])
    #expect(outputs[0] == outputs[1])
  }

  // MARK: - Validation

  @Test func validationDocumentsAreChosenByHash() throws {
    let texts = (0..<200).map { "document \($0)" }
    try directory.write("a.jsonl", texts.map(jsonLine).joined())
    let description = try prepare(["a.jsonl"]) {
      $0.validationFraction = 0.25
      $0.seed = 7
    }
    let isChosen = (0..<200).map { $0 > 0 && Double(SplitMix64.value(seed: 7, at: UInt64($0))) < 0x1p62 }
    func expected(_ chosen: Bool) -> [Int32] {
      zip(texts, isChosen).filter { $0.1 == chosen }.flatMap { ids($0.0) + [256] }
    }
    #expect(try train() == expected(false))
    let validation = try TokenFile(directory.path + "/out/validation.bin")
    #expect(try validation[0..<validation.count] == expected(true))
    let count = isChosen.filter { $0 }.count
    #expect(description.validationRule == .documents && description.validation?.documents == count)
    #expect(description.train.documents == 200 - count && (30...70).contains(count))

    try prepare(["a.jsonl"], to: "other") {
      $0.validationFraction = 0.25
      $0.seed = 8
    }
    #expect(try directory.read("other/validation.bin") != directory.read("out/validation.bin"))
  }

  @Test(arguments: [(0.1, 2), (0.01, 1), (0.5, 6), (0.999, 10)])
  func theTailIsValidationWhereNoDocumentWasChosen(fraction: Double, expected: Int) throws {
    try directory.write("a.txt", "0123456789")
    let description = try prepare(["a.txt"]) { $0.validationFraction = fraction }
    let whole = ids("0123456789") + [256]
    #expect(try train() == Array(whole.dropLast(expected)))
    let validation = try TokenFile(directory.path + "/out/validation.bin")
    #expect(try validation[0..<validation.count] == Array(whole.suffix(expected)))
    #expect(description.validationRule == .tail && description.validation?.documents == 0)
    #expect(try directory.names("out") == ["dataset.json", "train.bin", "validation.bin"])
  }

  @Test func aSingleTokenStaysInTheTrainingData() throws {
    try directory.write("a.txt", "x")
    let description = try prepare(["a.txt"]) {
      $0.validationFraction = 0.9
      $0.separator = .none
    }
    #expect(description.validation == nil && description.train.tokens == 1)
  }

  // MARK: - Errors

  @Test func badTextIsNamedByPlace() throws {
    let path = directory.path
    try directory.write("json.jsonl", try jsonLine("good") + "\n{\"text\": \"x\"\n")
    #expect(message { try prepare(["json.jsonl"]) }.hasPrefix("\(path)/json.jsonl:3: not a JSON object"))
    try directory.write("key.jsonl", #"{"content": "x"}"#)
    #expect(
      message { try prepare(["key.jsonl"], to: "b") }
        == badLine(.missingTextKey(location: "\(path)/key.jsonl:1", key: "text", found: ["content"])))
    try directory.write("type.jsonl", #"{"text": ["x"]}"#)
    #expect(
      message { try prepare(["type.jsonl"], to: "c") }
        == badLine(.textNotAString(location: "\(path)/type.jsonl:1", key: "text", found: "an array")))
    try directory.write("utf8.txt", Array("one|two ".utf8) + [0xFF])
    #expect(
      message { try prepare(["utf8.txt"], to: "d") } == badLine(.invalidUTF8(location: "\(path)/utf8.txt, byte 8")))
    #expect(
      message { try prepare(["utf8.txt"], to: "e") { $0.documentDelimiter = "|" } }
        == badLine(.invalidUTF8(location: "\(path)/utf8.txt, byte 8")))
    let cut = try directory.write("cut.txt.zst", Array(zstd(noise(5000)).dropLast(9)))
    guard case .truncatedStream(cut, "zstd", _) = error(of: { try prepare(["cut.txt.zst"], to: "f") }) else {
      Issue.record("a truncated stream was accepted")
      return
    }
    // Whatever was bad: nothing stands under a final name.
    for name in ["out", "b", "c", "d", "e", "f"] {
      #expect(try directory.names(name).allSatisfy { $0.hasSuffix(".partial") || $0 == PreparationState.fileName })
      #expect(error { try TokenDataset(path + "/" + name) } == .unfinished(path: path + "/" + name))
    }
  }

  @Test func documentsAreLimited() throws {
    try directory.write("a.txt", noise(1000))
    let line = try jsonLine(String(decoding: noise(1000), as: UTF8.self))
    try directory.write("b.jsonl", line)
    let (text, json) = (directory.path + "/a.txt, byte 0", directory.path + "/b.jsonl:1")
    #expect(
      message { try prepare(["a.txt"], to: "a") { $0.maximumDocumentBytes = 999 } }
        == badLine(.noPlaceToCut(location: text, limit: 999)))
    #expect(
      message { try prepare(["b.jsonl"], to: "b") { $0.maximumDocumentBytes = line.utf8.count - 2 } }
        == badLine(.documentTooLong(location: json, limit: line.utf8.count - 2)))
    #expect(throws: Never.self) { try prepare(["a.txt"]) { $0.maximumDocumentBytes = 1000 } }
    #expect(throws: Never.self) { try prepare(["b.jsonl"], to: "c") { $0.maximumDocumentBytes = line.utf8.count - 1 } }
  }

  @Test func emptyInputLeavesNothing() throws {
    try directory.write("a.txt", "")
    try directory.write("b.jsonl", "\n\n")
    #expect(error { try prepare(["a.txt", "b.jsonl"]) } == .nothingToPrepare(inputs: 2))
    #expect(try directory.names("out") == [])
  }

  @Test func optionsAreChecked() throws {
    try directory.write("a.txt", "x")
    let changes: [(inout PreparationOptions) -> Void] = [
      { $0.validationFraction = 1 }, { $0.validationFraction = -0.1 }, { $0.validationFraction = .nan },
      { $0.maximumTokens = 0 }, { $0.workers = 0 }, { $0.maximumBadLines = -1 }, { $0.documentDelimiter = "" },
      { $0.maximumDocumentBytes = 0 },
    ]
    for change in changes {
      guard case .invalidOption = error(of: { try prepare(["a.txt"], change) }) else {
        Issue.record("accepted")
        continue
      }
    }
    #expect(error { try prepare(["none.txt"]) } == .inputNotFound(path: directory.path + "/none.txt"))
    // Nothing was made for a preparation that cannot begin.
    #expect(try !directory.names().contains("out"))
  }

  @Test func finishedOutputIsKept() throws {
    try directory.write("a.txt", "first")
    try prepare(["a.txt"]) { $0.validationFraction = 0.3 }
    let before = try directory.contents("out")
    try directory.write("a.txt", "second")
    #expect(error { try prepare(["a.txt"]) } == .outputExists(path: directory.path + "/out/dataset.json"))
    #expect(try directory.contents("out") == before)
    try prepare(["a.txt"]) { $0.replacesExisting = true }
    #expect(try train() == ids("second") + [256])
    // The earlier validation data does not stay beside the new training data.
    #expect(try directory.names("out") == ["dataset.json", "train.bin"])
  }

  @Test func othersFilesAreNotOverwritten() throws {
    try directory.write("a.txt", "x")
    try directory.tokens("out/train.bin", 0..<3)
    #expect(error { try prepare(["a.txt"]) } == .outputExists(path: directory.path + "/out/train.bin"))
    try directory.write("file", "x")
    #expect(message { try prepare(["a.txt"], to: "file") }.contains("\(directory.path)/file"))
  }
}

extension TemporaryDirectory {
  /// Prepares files of this directory and returns what `dataset.json` says.
  func prepare(
    _ inputs: [String], tokenizer: Tokenizer, output: String, options: PreparationOptions
  ) throws -> DatasetDescription {
    let preparation = try Preparation(
      inputs: inputs.map { path + "/" + $0 }, tokenizer: tokenizer, output: path + "/" + output, options: options)
    guard case .finished(let description) = try preparation.run() else { throw InjectedFault() }
    return description
  }

  /// Text of all forms, in documents of 20 to 300 bytes.
  func writeCorpus(documents: Int) throws -> [String] {
    let texts = (0..<documents).map { index in
      String(decoding: noise(20 + (index * 37) % 280, seed: UInt64(index)), as: UTF8.self)
    }
    let third = documents / 3
    try write("1.jsonl", texts[..<third].map(jsonLine).joined())
    try write("2.jsonl.gz", gzip(Array(texts[third..<2 * third].map(jsonLine).joined().utf8)))
    try write("3.txt.zst", zstd(Array(texts[(2 * third)...].joined(separator: "\n").utf8)))
    return ["1.jsonl", "2.jsonl.gz", "3.txt.zst"]
  }

  /// Every file of a directory.
  func contents(_ name: String) throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for file in try names(name) { contents[file] = try read(name + "/" + file) }
    return contents
  }
}
