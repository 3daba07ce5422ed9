import Files
import Foundation
import Testing
import Tokenization

@testable import Datasets

/// Documents that cannot be read, and texts of any length.
struct BadLineTests {
  let directory: TemporaryDirectory
  let tokenizer: Tokenizer

  init() throws {
    directory = try TemporaryDirectory()
    tokenizer = try byteTokenizer(in: directory)
  }

  private func prepare(
    _ inputs: [String], to output: String = "out", pieceBytes: Int = 200,
    _ change: (inout PreparationOptions) -> Void = { _ in }
  ) throws -> DatasetDescription {
    var options = PreparationOptions()
    options.validationFraction = 0
    change(&options)
    let preparation = try Preparation(
      inputs: inputs.map { directory.path + "/" + $0 }, tokenizer: tokenizer, output: directory.path + "/" + output,
      options: options)
    preparation.testing.pieceBytes = pieceBytes
    preparation.testing.batchBytes = 300
    guard case .finished(let description) = try preparation.run() else { throw InjectedFault() }
    return description
  }

  private func text(_ output: String = "out") throws -> String {
    let file = try TokenFile(directory.path + "/" + output + "/train.bin")
    return String(decoding: try file[0..<file.count].map { $0 == 256 ? UInt8(ascii: "|") : UInt8($0) }, as: UTF8.self)
  }

  @Test func badLinesAreListed() throws {
    let lines = [
      try jsonLine("one"), "{\"text\": \"x\"\n", "\n", try jsonLine("two"), "{\"x\\ny\": 1}\n", "{\"text\": [1]}\n",
    ]
    try directory.write("a.jsonl", Array(lines.joined().utf8) + [0x7B, 0xFF, 0x7D, 0x0A])
    try directory.write("b.txt", Array("three\n<>\nfo".utf8) + [0xFF] + Array("ur<>five".utf8))
    let path = directory.path
    let expected = [
      "\(path)/a.jsonl:2: not a JSON object on a line of its own: expected ',' or '}' at column 13",
      "\(path)/a.jsonl:5: no key 'text'; the keys are x?y (--text-key)",
      "\(path)/a.jsonl:6: 'text' holds an array, expected a string",
      "\(path)/a.jsonl:7: the text is not valid UTF-8",
      "\(path)/b.txt, byte 11: the text is not valid UTF-8",
    ]
    let description = try prepare(["a.jsonl", "b.txt"]) { ($0.maximumBadLines, $0.documentDelimiter) = (5, "<>") }
    #expect(description.badLines == 5 && description.documents == 4)
    #expect(try text() == "one|two|three|five|")
    #expect(
      String(decoding: try directory.read("out/bad-lines.txt"), as: UTF8.self)
        == expected.map { $0 + "\n" }.joined())
    #expect(try DatasetDescription(path: path + "/out/dataset.json") == description)
    // The list is no input.
    #expect(error { try InputFile.expand([path + "/out"]) } == .emptyDirectory(path: path + "/out"))

    // One above the limit; a higher one goes on.
    for limit in 0..<5 {
      let told = message {
        try prepare(["a.jsonl", "b.txt"], to: "again") { ($0.maximumBadLines, $0.documentDelimiter) = (limit, "<>") }
      }
      #expect(told.contains(expected[limit]) && told.contains("--max-bad-lines"))
      #expect(limit == 0 ? told.hasPrefix(expected[0]) : told.hasPrefix("\(limit + 1) documents"))
    }
    _ = try prepare(["a.jsonl", "b.txt"], to: "again") { ($0.maximumBadLines, $0.documentDelimiter) = (5, "<>") }
    #expect(try directory.contents("again") == directory.contents("out"))
  }

  @Test func tooLongLinesArePassedOver() throws {
    let long = try jsonLine(String(decoding: noise(400_000), as: UTF8.self))
    try directory.write("a.jsonl.zst", zstd(Array((try jsonLine("a") + long + jsonLine("b") + long.dropLast()).utf8)))
    let description = try prepare(["a.jsonl.zst"]) { ($0.maximumBadLines, $0.maximumDocumentBytes) = (2, 1000) }
    #expect(try text() == "a|b|" && description.badLines == 2)
    #expect(try directory.read("out/bad-lines.txt").filter { $0 == 0x0A }.count == 2)
  }

  /// The pieces of a text have the ids of the whole.
  @Test func longTextsComeInPieces() throws {
    let long = words(10_000, seed: 3)
    try directory.write("a.txt", long + "\n")
    try directory.write("b.txt", long + "\r\n<>\n" + long + "<>tail\n")
    let a = try prepare(["a.txt"], to: "a") { $0.workers = 3 }
    #expect(try text("a") == long + "\n|" && a.documents == 1 && a.textBytes == 10_001)
    let b = try prepare(["b.txt"], to: "b") { ($0.workers, $0.documentDelimiter, $0.separator) = (3, "<>", .prepend) }
    #expect(try text("b") == "|" + long + "|" + long + "|tail" && b.documents == 3)
    // At every length of the pieces: the delimiter falls on each of their edges.
    for piece in 20..<50 {
      try directory.write("c.txt", words(70, seed: 4) + "\r\n<->\n" + words(64, seed: 5) + "\n<->" + words(40, seed: 6))
      _ = try prepare(["c.txt"], to: "c-\(piece)", pieceBytes: piece) { $0.documentDelimiter = "<->" }
      #expect(try text("c-\(piece)") == words(70, seed: 4) + "|" + words(64, seed: 5) + "|" + words(40, seed: 6) + "|")
    }
  }

  @Test func aTextThatCannotBeCutIsBad() throws {
    let letters = String(decoding: noise(5000), as: UTF8.self)
    try directory.write("a.txt", words(900, seed: 1) + " " + letters + " " + words(900, seed: 2))
    try directory.write("b.txt", "fine")
    let description = try prepare(["a.txt", "b.txt"]) { ($0.maximumBadLines, $0.maximumDocumentBytes) = (1, 1000) }
    #expect(try text() == "fine|" && description.badLines == 1)
    #expect(
      String(decoding: try directory.read("out/bad-lines.txt"), as: UTF8.self).contains("1000 bytes of text without"))
    try directory.write("c.txt", [UInt8](repeating: 0x80, count: 5000))
    #expect(message { try prepare(["c.txt"], to: "c") { $0.maximumDocumentBytes = 1000 } }.contains("not valid UTF-8"))
  }

  @Test func blankTextsOfManyPiecesAreEmpty() throws {
    try directory.write("a.txt", String(repeating: " ", count: 3000))
    try directory.write("b.txt", "x")
    #expect(try prepare(["a.txt", "b.txt"]).emptyDocuments == 1)
    #expect(try text() == "x|")
  }
}
