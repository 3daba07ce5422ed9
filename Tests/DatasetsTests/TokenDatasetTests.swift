import Files
import Foundation
import Testing

@testable import Datasets

struct TokenDatasetTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  @Test func nanoGPTsDirectory() throws {
    try directory.tokens("data/train.bin", 0..<10)
    try directory.tokens("data/val.bin", 20..<23)
    let dataset = try TokenDataset(directory.path + "/data")
    #expect(dataset.description == nil)
    #expect(try dataset.files(.train).map(\.count) == [10])
    #expect(try dataset.files(.validation)[0][0..<3] == [20, 21, 22])
  }

  /// llm.c's and lit-gpt's directories, and others: the names say what is what.
  @Test func aDirectoryOfFiles() throws {
    func names(_ split: DatasetSplit, _ files: [String]) throws -> [String] {
      let name = "d\(files.hashValue)"
      for file in files { try directory.tokens("\(name)/\(file)", 0..<4) }
      return try TokenDataset(directory.path + "/" + name).files(split).map {
        String($0.path.split(separator: "/").last ?? "")
      }
    }
    let fineweb = [
      "edu_fineweb_train_000002.bin", "edu_fineweb_train_000001.bin", "edu_fineweb_val_000000.bin", "x.txt",
    ]
    #expect(try names(.train, fineweb) == ["edu_fineweb_train_000001.bin", "edu_fineweb_train_000002.bin"])
    #expect(try names(.validation, fineweb) == ["edu_fineweb_val_000000.bin"])
    let chunks = ["arxiv_0000000001.bin", "arxiv_0000000000.bin", "arxiv_0000000002.bin.partial", ".hidden.bin"]
    #expect(try names(.train, chunks) == ["arxiv_0000000000.bin", "arxiv_0000000001.bin"])
    #expect(throws: DatasetError.self) { try names(.validation, chunks) }
    #expect(try names(.train, ["a.bin", "test.bin", "valid.bin"]) == ["a.bin"])
    #expect(try names(.train, ["a.bin", "train.bin"]) == ["train.bin"])
  }

  @Test func oneFileServesBothSplits() throws {
    let path = try directory.tokens("any.bin", 0..<7)
    let dataset = try TokenDataset(path)
    #expect(try dataset.files(.train).map(\.count) == [7])
    #expect(try dataset.files(.validation).map(\.count) == [7])
  }

  @Test func aSourceJoinsDirectories() throws {
    try directory.tokens("a/train.bin", 0..<4)
    try directory.tokens("b/train.bin", 4..<9)
    let paths = ["a", "b"].map { directory.path + "/" + $0 }
    let source = try TokenSource(paths: paths, split: .train, weight: 2)
    #expect(source.tokens == 9 && source.weight == 2 && source.files.count == 2)
    #expect(source.name == paths.joined(separator: ", "))
    #expect(throws: DatasetError.self) { try TokenSource(paths: paths, split: .validation) }
  }

  @Test func patternsNameFilesAndDirectories() throws {
    try directory.tokens("a1.bin", 0..<4)
    try directory.tokens("a2.bin", 4..<9)
    try directory.tokens("b/train.bin", 9..<19)
    let source = try TokenSource(paths: [directory.path + "/a?.bin", directory.path + "/[b]"], split: .train)
    #expect(source.files.map(\.count) == [4, 5, 10])
    for (name, isThere) in [("a*", true), ("c*", false), ("b", true), ("c", false)] {
      #expect(try TokenSource.exists(directory.path + "/" + name) == isThere)
    }
    let none = directory.path + "/c*.bin"
    #expect(error { try TokenSource(paths: [none], split: .train) } == .noMatch(pattern: none))
    // A file of that very name comes first.
    try directory.tokens("a*.bin", 0..<30)
    #expect(try TokenSource(paths: [directory.path + "/a*.bin"], split: .train).tokens == 30)
  }

  @Test func validationDataBesideTrainingData() throws {
    try directory.tokens("a/train.bin", 0..<4)
    try directory.tokens("a/val.bin", 4..<9)
    let file = try directory.tokens("b.bin", 9..<19)
    #expect(try TokenSource(validationBeside: [directory.path + "/a", file])?.tokens == 5)
    #expect(try TokenSource(validationBeside: [file]) == nil)
  }

  @Test func whatIsMissingIsNamed() throws {
    let path = directory.path
    #expect(error { try TokenDataset(path + "/none") } == .inputNotFound(path: path + "/none"))
    try directory.write("empty/readme.md", "x")
    #expect(
      error { try TokenDataset(path + "/empty") }
        == .missingSplit(
          path: path + "/empty", split: "train or validation", expected: "dataset.json, train.bin or other token files")
    )
    try directory.tokens("half/train.bin", 0..<4)
    let half = try TokenDataset(path + "/half")
    #expect(half.domains[0][.validation].isEmpty)
    #expect(message { try half.files(.validation) }.contains("--validation-fraction"))
    try directory.write("unfinished/\(PreparationState.fileName)", "{}")
    try directory.tokens("unfinished/train.bin.partial", 0..<4)
    #expect(error { try TokenDataset(path + "/unfinished") } == .unfinished(path: path + "/unfinished"))
  }
}

/// `dataset.json`, the true one and hostile ones.
struct DatasetDescriptionTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.tokens("train.bin", 0..<10)
    try directory.tokens("validation.bin", 0..<3)
    try write(DatasetDescriptionTests.sample.json.serialized(indent: 1))
  }

  private func write(_ json: String) throws { try directory.write(DatasetDescription.fileName, json) }

  static let sample = DatasetDescription(
    storage: .uint16, vocabularySize: 257, tokenizerHash: "ab",
    train: .init(file: "train.bin", tokens: 10, documents: 2),
    validation: .init(file: "validation.bin", tokens: 3, documents: 1), validationRule: .documents,
    validationFraction: 0.1, seed: .max, separator: .prepend, separatorToken: 256, textKey: "text",
    documentDelimiter: "<|end|>\n", maximumTokens: 13, isSampled: true, documents: 3, emptyDocuments: 1,
    duplicateDocuments: 2, badLines: 4, textBytes: 10,
    sources: [.init(path: "a é.txt", bytes: 12)])

  @Test func readsWhatItWrites() throws {
    #expect(try TokenDataset(directory.path).description == DatasetDescriptionTests.sample)
    var other = DatasetDescriptionTests.sample
    (other.validation, other.separatorToken, other.documentDelimiter, other.maximumTokens) = (nil, nil, nil, nil)
    try write(other.json.serialized())
    let dataset = try TokenDataset(directory.path)
    #expect(dataset.description == other)
    #expect(dataset.domains[0][.validation].isEmpty && dataset.domains[0][.train].map(\.count) == [10])
  }

  @Test func theFilesMustBeAsLongAsItSays() throws {
    try directory.tokens("train.bin", 0..<9)
    let path = directory.path + "/train.bin"
    #expect(error { try TokenDataset(directory.path) } == .countMismatch(path: path, expected: 10, found: 9))
    #expect(error { try TokenFile(path) } == .countMismatch(path: path, expected: 10, found: 9))
    try FileManager.default.removeItem(atPath: path)
    #expect(message { try TokenDataset(directory.path) }.contains("train.bin"))
  }

  @Test func aFileIsReadAsItsDescriptionSays() throws {
    try directory.write("train.bin", [UInt8](repeating: 0, count: 40))
    var wide = DatasetDescriptionTests.sample
    (wide.storage, wide.validation) = (.uint32, nil)
    try write(wide.json.serialized())
    let file = try TokenFile(directory.path + "/train.bin")
    #expect(
      file.count == 10 && file.tokenizerHash == "ab" && file.boundary == DocumentBoundary(token: 256, side: .prepend))
    // A file that it does not list is nanoGPT's.
    let other = try TokenFile(directory.tokens("other.bin", 0..<4))
    #expect(other.count == 4 && other.tokenizerHash == nil && other.boundary == nil)
  }

  /// Whatever they begin with.
  @Test func describedIdsAreRaw() throws {
    try directory.write("train.bin", Array("LITPKDS".utf8) + [UInt8](repeating: 1, count: 13))
    #expect(try TokenFile(directory.path + "/train.bin").format == .raw)
  }

  @Test(arguments: [
    ("format", JSON.string("other")), ("version", .integer(2)), ("dtype", .string("float32")), ("dtype", .integer(2)),
    ("vocabulary_size", .integer(-1)), ("vocabulary_size", .string("x")), ("tokenizer_sha256", .null),
    ("splits", .null), ("splits", .array([])), ("splits", .object(["train": .integer(1)])),
    ("validation_rule", .string("some")), ("validation_fraction", .string("x")), ("seed", .integer(1)),
    ("seed", .string("-1")), ("seed", .string("99999999999999999999")), ("document_separator", .string("between")),
    ("text_key", .array([])), ("documents", .number(1.5)), ("text_bytes", .integer(.min)),
    ("sources", .array([.integer(1)])), ("sources", .array([.object(["path": .string("a"), "bytes": .integer(-1)])])),
  ])
  func aWrongValueNamesItsKey(key: String, value: JSON) throws {
    var object = try #require(DatasetDescriptionTests.sample.json.object)
    object[key] = value
    try write(JSON.object(object).serialized())
    guard case .malformedDescription(let path, let reason) = error(of: { try TokenDataset(directory.path) }) else {
      Issue.record("\(key): \(value) was accepted")
      return
    }
    #expect(path == directory.path + "/dataset.json")
    #expect(reason.contains(key) || (key == "sources" && (reason.contains("path") || reason.contains("bytes"))))
  }

  @Test(arguments: ["", ".", "..", "../train.bin", "/etc/hostname", "a/b", "a\u{0}b"])
  func fileNamesStayInTheDirectory(name: String) throws {
    var description = DatasetDescriptionTests.sample
    description.train.file = name
    try write(description.json.serialized())
    #expect(message { try TokenDataset(directory.path) }.contains("splits.train.file"))
  }

  @Test(arguments: ["", "[]", "nul", "{\"format\": ", "\u{1}"])
  func whatIsNoObjectIsRefused(json: String) throws {
    try write(json)
    guard case .malformedDescription = error(of: { try TokenDataset(directory.path) }) else {
      Issue.record("accepted")
      return
    }
  }

  @Test func deepNestingIsRefused() throws {
    try write(String(repeating: "[", count: 1_000_000))
    guard case .malformedDescription = error(of: { try TokenDataset(directory.path) }) else {
      Issue.record("accepted")
      return
    }
  }

  @Test func theTokenizersHashDependsOnNamesAndContents() throws {
    let a = try directory.write("one/a.json", "x")
    let b = try directory.write("one/b.txt", "yz")
    let hash = try DatasetDescription.tokenizerHash(of: [a, b])
    #expect(hash.count == 64)
    #expect(try DatasetDescription.tokenizerHash(of: [b, a]) == hash)
    let copies = [try directory.write("two/a.json", "x"), try directory.write("two/b.txt", "yz")]
    #expect(try DatasetDescription.tokenizerHash(of: copies) == hash)
    let changed = [try directory.write("three/a.json", "xy"), try directory.write("three/b.txt", "z")]
    #expect(try DatasetDescription.tokenizerHash(of: changed) != hash)
    #expect(try DatasetDescription.tokenizerHash(of: [a]) != hash)
  }
}
